using System.Text.Json;
using LoraServe.Api.Requests;
using LoraServe.Api.Requests.Fields;

namespace LoraServe.Generation;

/// <summary>Reads and checks what all text requests have in common, as far as possible without the model.</summary>
internal static class GenerationParametersReader
{
    /// <summary>Reads the body of a request.</summary>
    /// <param name="context">The HTTP request.</param>
    /// <param name="read">Reads the JSON object.</param>
    /// <exception cref="InvalidRequestException">With every fault.</exception>
    public static async Task<T> ReadAsync<T>(HttpContext context, Func<JsonElement, T> read)
    {
        using var body = await RequestReader.ReadBodyAsync(context.Request, context.RequestAborted);
        return read(body.RootElement);
    }

    /// <summary>Fills a request from a body.</summary>
    /// <param name="json">The body, a JSON object.</param>
    /// <param name="request">Holds the defaults.</param>
    /// <param name="rules">What other fields mean.</param>
    /// <param name="faults">Receives every fault.</param>
    public static void Read<T>(JsonElement json, T request, FieldRules rules, RequestFaults faults)
        where T : GenerationParameters
    {
        RequestReader.Read(json, request, rules, faults);
        void Fault(string param, string message) => faults.Add(new RequestFault(param, message));

        if (request.MostTokens is { } most && request.MinTokens > most)
            Fault("min_tokens", $"expected at most max_tokens = {most}, found {request.MinTokens}");
        if (request.BestOf is { } bestOf && bestOf != 1 && bestOf != request.N)
            Fault("best_of", $"expected 1 or n = {request.N}, found {bestOf}: the server returns every choice that it generates");
        if (request.StreamOptions is not null && !request.Stream) Fault("stream_options", "is only allowed with stream = true");
        if (request.PromptLogprobs is not null && request.Stream) Fault("prompt_logprobs", "is not available with stream = true");
        if (request.TruncatePromptTokens == 0) Fault("truncate_prompt_tokens", "expected -1 or a positive number, found 0");
    }

    /// <summary>Whether a field is present and not empty: some clients send every field they know, empty ones too.</summary>
    public static bool Asks(JsonElement json, string field) =>
        json.TryGetProperty(field, out var value)
        && !(value.ValueKind is JsonValueKind.Null or JsonValueKind.False
            || (value.ValueKind == JsonValueKind.String && value.ValueEquals(""))
            || (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0));
}
