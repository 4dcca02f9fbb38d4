using System.Text.Json;
using LoraServe.Engine.Generation;
using LoraServe.Generation;
using LoraServe.Hosting;

namespace LoraServe.Completions;

/// <summary>Reads and checks the body of a completion request, as far as that is possible without the model.</summary>
internal static class CompletionRequestReader
{
    private static readonly string[] Unsupported = ["suffix", "tools", "messages"];

    /// <param name="json">The body, a JSON object.</param>
    /// <param name="defaults">What the model recommends where the body says nothing.</param>
    /// <param name="unknown">Receives the names of fields that mean nothing to this server and were passed over.</param>
    /// <exception cref="InvalidRequestException">With every fault.</exception>
    public static CompletionRequest Read(JsonElement json, SamplingParams defaults, List<string> unknown)
    {
        var faults = new RequestFaults();
        var request = GenerationParameters.WithDefaults<CompletionRequest>(defaults) with { MaxTokens = defaults.MaxTokens };
        GenerationParametersReader.Read(json, request, Unsupported, faults, unknown);
        if (request.Prompt is null && !faults.Exists(fault => fault.Param == "prompt"))
            faults.Add(new RequestFault("prompt", "is required"));
        if (request.BestOf is { } bestOf && bestOf != 1 && bestOf != request.N)
        {
            faults.Add(new RequestFault(
                "best_of", $"expected 1 or n = {request.N}, found {bestOf}: the server returns every choice that it generates"));
        }

        faults.ThrowIfAny();
        return request;
    }
}
