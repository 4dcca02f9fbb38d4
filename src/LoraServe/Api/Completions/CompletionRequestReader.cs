using System.Text.Json;
using LoraServe.Api.Requests;
using LoraServe.Api.Requests.Fields;
using LoraServe.Engine.Sampling;
using LoraServe.Generation;

namespace LoraServe.Api.Completions;

/// <summary>Reads and checks the body of a completion request, as far as possible without the model.</summary>
internal static class CompletionRequestReader
{
    /// <param name="json">The body, a JSON object.</param>
    /// <param name="defaults">The model's recommended values for absent fields.</param>
    /// <exception cref="InvalidRequestException">With every fault.</exception>
    public static CompletionRequest Read(JsonElement json, SamplingParams defaults)
    {
        var faults = new RequestFaults();
        var request = GenerationParameters.WithDefaults<CompletionRequest>(defaults) with { MaxTokens = defaults.MaxTokens };
        GenerationParametersReader.Read(json, request, FieldTable.Completions, faults);
        if (request.Prompt is null && !faults.Exists(fault => fault.Param == "prompt"))
            faults.Add(new RequestFault("prompt", "is required"));
        faults.ThrowIfAny();
        return request;
    }
}
