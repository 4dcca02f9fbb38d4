using LoraServe.Api.Requests;

namespace LoraServe.Api.FineTuning;

/// <summary>Where the engine's hyperparameters are in a request.</summary>
internal static class HyperparameterNames
{
    private const string Path = "method.supervised.hyperparameters";

    // Those of OpenAI's API, and those that this API has other names for.
    private static readonly Dictionary<string, string> Places = new(StringComparer.Ordinal)
    {
        ["batch_size"] = "batch_size",
        ["learning_rate_multiplier"] = "learning_rate_multiplier",
        ["epochs"] = "n_epochs",
        ["max_sequence_length"] = "lora.max_seq_len",
        ["max_gradient_norm"] = "lora.max_grad_norm",
    };

    /// <summary>A fault of the engine, "name: message", as one of the request.</summary>
    public static RequestFault Fault(string fault)
    {
        var colon = fault.IndexOf(": ", StringComparison.Ordinal);
        if (colon < 0) return new RequestFault(Path, fault);
        var name = fault[..colon];
        var first = name.Split(' ', ',')[0];
        var message = first == name ? fault[(colon + 2)..] : fault;
        return new RequestFault($"{Path}.{Places.GetValueOrDefault(first, $"lora.{first}")}", message);
    }
}
