using System.Text.Json;
using LoraServe.Engine.Generation;
using LoraServe.Hosting;

namespace LoraServe.Completions;

/// <summary>Reads and checks the body of a completion request, as far as that is possible without the model.</summary>
internal static class CompletionRequestReader
{
    // What other servers of this API know and this one does not: to ignore one of these would answer another question than was asked.
    private static readonly string[] Unsupported =
    [
        "suffix", "structured_outputs", "allowed_token_ids", "bad_words", "use_beam_search", "logits_processors", "prompt_embeds",
        "return_tokens_as_token_ids", "merged_adapters", "lora", "tools", "messages",
    ];

    /// <param name="json">The body, a JSON object.</param>
    /// <param name="defaults">What the model recommends where the body says nothing.</param>
    /// <param name="unknown">Receives the names of fields that mean nothing to this server and were passed over.</param>
    /// <exception cref="InvalidRequestException">With every fault.</exception>
    public static CompletionRequest Read(JsonElement json, SamplingParams defaults, List<string> unknown)
    {
        var faults = new List<RequestFault>();
        var request = CompletionRequest.WithDefaults(defaults);
        RequestReader.Read(json, request, faults, (name, value) =>
        {
            if (!IsUnsupported(name, value))
            {
                unknown.Add(name);
                return;
            }

            var message = $"is not supported by this server, found {RequestReader.Show(value)}";
            faults.Add(new RequestFault(name, message, "unsupported_parameter"));
        });

        void Fault(string param, string message) => faults.Add(new RequestFault(param, message));

        if (request.Prompt is null && !faults.Exists(fault => fault.Param == "prompt")) Fault("prompt", "is required");
        if (request.BestOf is { } bestOf && bestOf != 1 && bestOf != request.N)
            Fault("best_of", $"expected 1 or n = {request.N}, found {bestOf}: the server returns every choice that it generates");
        if (request.MinTokens > request.MaxTokens)
            Fault("min_tokens", $"expected at most max_tokens = {request.MaxTokens}, found {request.MinTokens}");
        if (request.StreamOptions is not null && !request.Stream) Fault("stream_options", "is only allowed with stream = true");
        if (request.PromptLogprobs is not null && request.Stream) Fault("prompt_logprobs", "is not available with stream = true");
        if (request.TruncatePromptTokens == 0) Fault("truncate_prompt_tokens", "expected -1 or a positive number, found 0");
        return faults.Count == 0 ? request : throw new InvalidRequestException(faults);
    }

    private static bool IsUnsupported(string name, JsonElement value)
    {
        if (name == "response_format")
        {
            return value.ValueKind != JsonValueKind.Object || !value.TryGetProperty("type", out var type)
                || type.ValueKind != JsonValueKind.String || !type.ValueEquals("text");
        }

        // Clients that send every field they know send its neutral value.
        var isNeutral = value.ValueKind == JsonValueKind.False
            || (value.ValueKind == JsonValueKind.String && value.ValueEquals(""))
            || (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0);
        return !isNeutral && (Unsupported.Contains(name) || name.StartsWith("guided_", StringComparison.Ordinal));
    }
}
