using System.Text.Json;
using LoraServe.Chat;
using LoraServe.Engine.Faults;
using LoraServe.Generation;
using LoraServe.Hosting;

namespace LoraServe.Tokenization;

/// <summary>Reads and checks the bodies of requests about tokens, as far as that is possible without the model.</summary>
internal static class TokenizeRequestReader
{
    // Chat completions know these: without them, the tokens would be those of another prompt.
    private static readonly string[] Unsupported = ["documents", "mm_processor_kwargs"];

    private static readonly string[] ForMessages =
        ["tools", "chat_template", "chat_template_kwargs", "add_generation_prompt", "continue_final_message"];

    /// <param name="json">The body, a JSON object.</param>
    /// <param name="unknown">Receives the names of fields that mean nothing to this server and were passed over.</param>
    /// <exception cref="InvalidRequestException">With every fault.</exception>
    public static TokenizeRequest Read(JsonElement json, List<string> unknown)
    {
        UnicodeText.Check(json);
        var faults = new RequestFaults();
        var request = new TokenizeRequest();
        RequestReader.Read(json, request, faults, (name, value) =>
        {
            if (GenerationParametersReader.IsNeutral(value) || !Unsupported.Contains(name)) unknown.Add(name);
            else faults.Add(new RequestFault(name, $"is not supported here, found {FaultText.Show(value)}", "unsupported_parameter"));
        });
        if (request.Prompt is null == request.Messages is null && !faults.Exists(fault => fault.Param is "prompt" or "messages"))
            faults.Add(new RequestFault("prompt", "expected either prompt or messages"));
        if (request.Prompt is not null)
        {
            foreach (var field in ForMessages.Where(field => GenerationParametersReader.Asks(json, field)))
                faults.Add(new RequestFault(field, "is only allowed with messages"));
        }

        faults.ThrowIfAny();
        return request;
    }

    /// <param name="json">The body, a JSON object.</param>
    /// <param name="unknown">Receives the names of fields that mean nothing to this server and were passed over.</param>
    /// <exception cref="InvalidRequestException">With every fault.</exception>
    public static DetokenizeRequest ReadTokens(JsonElement json, List<string> unknown)
    {
        var faults = new RequestFaults();
        var request = new DetokenizeRequest();
        RequestReader.Read(json, request, faults, (name, _) => unknown.Add(name));
        faults.ThrowIfAny();
        return request;
    }
}
