using System.Diagnostics.Metrics;

namespace LoraServe.Metrics;

/// <summary>
/// Names of instruments in Prometheus: dots become underscores, the unit and "total" of a counter are appended as OpenTelemetry does, and
/// vLLM's names get their colon.
/// </summary>
internal static class PrometheusName
{
    /// <summary>The one vLLM metric whose labels must be exactly those that the Gateway API Inference Extension reads.</summary>
    public const string LoraRequestsInfo = "vllm:lora_requests_info";

    /// <summary>The one vLLM counter with a label of its own: finished_reason.</summary>
    public const string RequestSuccess = "vllm:request_success_total";

    private const string Vllm = "vllm:";

    // Names that older versions of vLLM use for the same metrics.
    private static readonly Dictionary<string, string> OldNames = new(StringComparer.Ordinal)
    {
        ["vllm:kv_cache_usage_perc"] = "vllm:gpu_cache_usage_perc",
        ["vllm:inter_token_latency_seconds"] = "vllm:time_per_output_token_seconds",
    };

    public static string Of(Instrument instrument)
    {
        var name = instrument.Name.StartsWith("vllm.", StringComparison.Ordinal) ? $"{Vllm}{instrument.Name[Vllm.Length..]}" : instrument.Name;
        name = name.Replace('.', '_') + instrument.Unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            _ => "",
        };
        var kind = instrument.GetType().GetGenericTypeDefinition();
        return kind == typeof(Counter<>) || kind == typeof(ObservableCounter<>) ? $"{name}_total" : name;
    }

    /// <summary>Whether it is one of vLLM's names.</summary>
    public static bool IsVllm(string name) => name.StartsWith(Vllm, StringComparison.Ordinal);

    /// <summary>Other names of the same metric.</summary>
    public static IEnumerable<string> Aliases(string name) => OldNames.TryGetValue(name, out var old) ? [old] : [];
}
