using System.Text.Json;
using LoraServe.Engine.Faults;
using LoraServe.Hosting;

namespace LoraServe.Generation;

/// <summary>Reads and checks what all requests for text have in common, as far as that is possible without the model.</summary>
internal static partial class GenerationParametersReader
{
    private const string ContinuousUsage = "continuous_usage_stats";

    // What other servers of this API know and this one does not: to ignore one of these would answer another question than was asked.
    private static readonly string[] Unsupported =
    [
        "structured_outputs", "allowed_token_ids", "bad_words", "use_beam_search", "logits_processors", "prompt_embeds",
        "return_tokens_as_token_ids", "merged_adapters", "lora",
    ];

    /// <summary>Reads the body of a request.</summary>
    /// <param name="context">The HTTP request.</param>
    /// <param name="read">Reads the JSON object; its list receives the names of fields that mean nothing to this server.</param>
    /// <param name="log">Gets their number: names are a part of what was sent.</param>
    /// <exception cref="InvalidRequestException">With every fault.</exception>
    public static async Task<T> ReadAsync<T>(HttpContext context, Func<JsonElement, List<string>, T> read, ILogger log)
    {
        using var body = await RequestReader.ReadBodyAsync(context.Request, context.RequestAborted);
        var unknown = new List<string>();
        var request = read(body.RootElement, unknown);
        if (unknown.Count > 0) LogUnknownFields(log, unknown.Count);
        return request;
    }

    /// <summary>Fills a request from a body.</summary>
    /// <param name="json">The body, a JSON object.</param>
    /// <param name="request">Holds the defaults.</param>
    /// <param name="unsupported">More fields that the server knows and does not support.</param>
    /// <param name="faults">Receives every fault.</param>
    /// <param name="unknown">Receives the names of fields that mean nothing to this server and were passed over.</param>
    public static void Read<T>(
        JsonElement json, T request, IReadOnlyCollection<string> unsupported, RequestFaults faults, List<string> unknown)
        where T : GenerationParameters
    {
        RequestReader.Read(json, request, faults, (name, value) =>
        {
            if (!IsUnsupported(name, value, unsupported))
            {
                unknown.Add(name);
                return;
            }

            var message = $"is not supported by this server, found {FaultText.Show(value)}";
            faults.Add(new RequestFault(name, message, "unsupported_parameter"));
        });

        void Fault(string param, string message) => faults.Add(new RequestFault(param, message));

        if (request.MostTokens is { } most && request.MinTokens > most)
            Fault("min_tokens", $"expected at most max_tokens = {most}, found {request.MinTokens}");
        if (request.StreamOptions is not null && !request.Stream) Fault("stream_options", "is only allowed with stream = true");
        if (json.TryGetProperty("stream_options", out var stream) && stream.ValueKind == JsonValueKind.Object
            && stream.TryGetProperty(ContinuousUsage, out var continuous) && !IsNeutral(continuous))
        {
            faults.Add(new RequestFault(
                $"stream_options.{ContinuousUsage}",
                $"is not supported by this server, found {FaultText.Show(continuous)}: the usage comes once, with include_usage",
                "unsupported_parameter"));
        }

        if (request.PromptLogprobs is not null && request.Stream) Fault("prompt_logprobs", "is not available with stream = true");
        if (request.TruncatePromptTokens == 0) Fault("truncate_prompt_tokens", "expected -1 or a positive number, found 0");
    }

    /// <summary>Whether a field asks for nothing: clients that send every field they know send its neutral value.</summary>
    public static bool IsNeutral(JsonElement value) =>
        value.ValueKind is JsonValueKind.Null or JsonValueKind.False
        || (value.ValueKind == JsonValueKind.String && value.ValueEquals(""))
        || (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0);

    /// <summary>Whether a field is there and asks for something.</summary>
    public static bool Asks(JsonElement json, string field) => json.TryGetProperty(field, out var value) && !IsNeutral(value);

    private static bool IsUnsupported(string name, JsonElement value, IReadOnlyCollection<string> unsupported)
    {
        if (name == "response_format")
        {
            return value.ValueKind != JsonValueKind.Object || !value.TryGetProperty("type", out var type)
                || type.ValueKind != JsonValueKind.String || !type.ValueEquals("text");
        }

        return !IsNeutral(value)
            && (Unsupported.Contains(name) || unsupported.Contains(name) || name.StartsWith("guided_", StringComparison.Ordinal));
    }

    [LoggerMessage(LogLevel.Debug, "{Count} unknown fields of a request were passed over")]
    private static partial void LogUnknownFields(ILogger log, int count);
}
