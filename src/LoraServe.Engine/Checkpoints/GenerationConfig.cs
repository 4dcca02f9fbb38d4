using LoraServe.Text.Faults;

namespace LoraServe.Engine.Checkpoints;

/// <summary>
/// The generation_config.json of a checkpoint: recommended defaults for requests that leave a parameter out. Null means no recommendation.
/// </summary>
internal sealed record GenerationConfig
{
    /// <summary>Tokens that end a sequence; empty leaves it to config.json.</summary>
    public IReadOnlyList<int> EosTokenIds { get; init; } = [];

    /// <summary>Divides the logits; 0 if do_sample is false, which means greedy decoding.</summary>
    public float? Temperature { get; init; }

    /// <summary>Only the k most probable tokens are kept.</summary>
    public int? TopK { get; init; }

    /// <summary>Only the smallest set of tokens whose probabilities reach this sum is kept.</summary>
    public float? TopP { get; init; }

    /// <summary>Tokens less probable than this fraction of the most probable one are dropped.</summary>
    public float? MinP { get; init; }

    /// <summary>Makes tokens that already occurred less probable.</summary>
    public float? RepetitionPenalty { get; init; }

    /// <summary>The largest number of tokens to generate.</summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>Reads the file; without one there are no recommendations.</summary>
    public static GenerationConfig Load(string file, FaultList faults)
    {
        if (!File.Exists(file) || JsonFields.Load(file, faults) is not { } json) return new GenerationConfig();
        return new GenerationConfig
        {
            EosTokenIds = json.TokenIds("eos_token_id"),
            Temperature = json.Flag("do_sample", true) ? Within(json, "temperature", 0, 100) : 0,
            TopK = json.Has("top_k") && json.Number("top_k") > 0 ? json.PositiveInt("top_k") : null,
            TopP = Within(json, "top_p", 0, 1),
            MinP = Within(json, "min_p", 0, 1),
            RepetitionPenalty = Within(json, "repetition_penalty", 0.01, 100),
            MaxNewTokens = json.Has("max_new_tokens") ? json.PositiveInt("max_new_tokens") : null,
        };
    }

    private static float? Within(JsonFields json, string name, double least, double most)
    {
        if (!json.Has(name)) return null;
        var value = json.Number(name);
        if (value < least || value > most) json.Fault(name, $"expected a number from {least} to {most}, found {value}");
        return (float)value;
    }
}
