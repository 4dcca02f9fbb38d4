using System.Text.Json;
using LoraServe.Api.Chat;
using LoraServe.Api.Requests;
using LoraServe.Api.Requests.Fields;
using LoraServe.Engine.Generation;
using LoraServe.Generation;
using LoraServe.Text.Faults;

namespace LoraServe.Api.Compare;

/// <summary>Reads and checks the body of a comparison, as far as possible without running it.</summary>
internal static class CompareRequestReader
{
    private static readonly string[] ForMessages =
    [
        "tools", "tool_choice", "chat_template", "chat_template_kwargs", "documents", "add_generation_prompt", "continue_final_message", "echo",
    ];

    /// <param name="json">The body, a JSON object.</param>
    /// <param name="model">The base, with its recommended values for absent fields.</param>
    /// <exception cref="InvalidRequestException">With every fault.</exception>
    public static CompareRequest Read(JsonElement json, ModelInfo model)
    {
        var faults = new RequestFaults();
        var request = GenerationParameters.WithDefaults<CompareRequest>(model.DefaultSampling);
        ChatRequestReader.Read(json, request, FieldTable.Compare, faults);
        void Fault(string param, string message) => faults.Add(new RequestFault(param, message));

        if (request.Adapters is null && !faults.Exists(fault => fault.Param == "adapters")) Fault("adapters", "is required");
        if (request.Prompt is null && request.Messages is null && !faults.Exists(fault => fault.Param is "prompt" or "messages"))
            Fault("prompt", "expected either a prompt or messages, found neither");
        if (request.Prompt is not null && request.Messages is not null) Fault("prompt", "expected either a prompt or messages, found both");
        if (request.Prompt is { Items.Count: > 1 }) Fault("prompt", $"expected one prompt, found {request.Prompt.Items.Count}");
        if (!string.IsNullOrEmpty(request.Model) && request.Model != model.Name)
            Fault("model", $"expected {model.Name} or nothing, found \"{FaultText.Shorten(request.Model)}\": the adapters of a comparison are listed in adapters");
        if (!string.IsNullOrEmpty(request.Adapter ?? request.AdapterId))
            Fault("adapter", "is not for comparisons, whose adapters are listed in adapters");
        if (request.Prompt is not null)
        {
            foreach (var field in ForMessages.Where(field => GenerationParametersReader.Asks(json, field)))
                Fault(field, "is only allowed with messages");
        }

        faults.ThrowIfAny();
        return request;
    }
}
