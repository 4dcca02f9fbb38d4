using System.Text.Json;
using LoraServe.Api.Requests;
using LoraServe.Api.Requests.Fields;
using LoraServe.Generation;

namespace LoraServe.Api.Tokenization;

/// <summary>Reads and checks the bodies of tokenization requests, as far as possible without the model.</summary>
internal static class TokenizeRequestReader
{
    private static readonly string[] ForMessages =
        ["tools", "chat_template", "chat_template_kwargs", "add_generation_prompt", "continue_final_message"];

    /// <param name="json">The body, a JSON object.</param>
    /// <exception cref="InvalidRequestException">With every fault.</exception>
    public static TokenizeRequest Read(JsonElement json)
    {
        var faults = new RequestFaults();
        var request = new TokenizeRequest();
        RequestReader.Read(json, request, FieldTable.Tokenize, faults);
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
    /// <exception cref="InvalidRequestException">With every fault.</exception>
    public static DetokenizeRequest ReadTokens(JsonElement json)
    {
        var faults = new RequestFaults();
        var request = new DetokenizeRequest();
        RequestReader.Read(json, request, FieldTable.Detokenize, faults);
        faults.ThrowIfAny();
        return request;
    }
}
