using System.Collections.Frozen;
using LoraServe.Engine.Checkpoints;

namespace LoraServe.Engine.Sampling;

/// <summary>How the next token is chosen and when to stop. Defaults are those of OpenAI's completions endpoint.</summary>
/// <remarks>
/// The order of the steps is that of transformers and vLLM: logit bias, repetition penalty (prompt and generated tokens), presence and
/// frequency penalties (generated tokens), temperature, top-k, top-p, min-p. The HTTP layer checks the ranges.
/// </remarks>
public sealed record SamplingParams
{
    /// <summary>Divides the logits; 0 is greedy decoding.</summary>
    public float Temperature { get; init; } = 1;

    /// <summary>Only the k most probable tokens are kept; 0 keeps all.</summary>
    public int TopK { get; init; }

    /// <summary>Only the smallest set of most probable tokens whose probabilities reach this sum is kept; 1 keeps all.</summary>
    public float TopP { get; init; } = 1;

    /// <summary>Tokens less probable than this fraction of the most probable one are dropped; 0 keeps all.</summary>
    public float MinP { get; init; }

    /// <summary>
    /// Divides positive and multiplies negative logits of every token seen in the prompt or the output (Keskar et al. 2019, section 4.1).
    /// </summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Subtracted once from the logit of every generated token.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Subtracted from a token's logit once for each time it was generated.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Added to the logits of single tokens.</summary>
    public IReadOnlyDictionary<int, float> LogitBias
    {
        get;
        init => (field, Biases) = (value, [.. value]);
    }

    = FrozenDictionary<int, float>.Empty;

    /// <summary>The same seed, prompt and adapter give the same tokens regardless of other requests; null takes a random seed.</summary>
    public long? Seed { get; init; }

    /// <summary>The largest number of tokens to generate; 0 only evaluates the prompt.</summary>
    public int MaxTokens { get; init; } = 16;

    /// <summary>No stop token is chosen before this many tokens.</summary>
    public int MinTokens { get; init; }

    /// <summary>Tokens that end the sequence, in addition to the model's end-of-sequence tokens.</summary>
    public IReadOnlyCollection<int> StopTokenIds { get; init; } = [];

    /// <summary>Continues after the model's end-of-sequence tokens.</summary>
    public bool IgnoreEos { get; init; }

    /// <summary>
    /// Number of most probable alternatives to report for each generated token, in addition to the chosen one; null reports nothing.
    /// </summary>
    public int? Logprobs { get; init; }

    /// <summary>The same for each token of the prompt.</summary>
    public int? PromptLogprobs { get; init; }

    /// <summary>The entries of <see cref="LogitBias"/>, which every token goes through.</summary>
    internal KeyValuePair<int, float>[] Biases { get; private init; } = [];

    /// <summary>The defaults, overridden by a checkpoint's recommendations.</summary>
    internal static SamplingParams Recommended(GenerationConfig config)
    {
        var byDefault = new SamplingParams();
        return byDefault with
        {
            Temperature = config.Temperature ?? byDefault.Temperature,
            TopK = config.TopK ?? byDefault.TopK,
            TopP = config.TopP ?? byDefault.TopP,
            MinP = config.MinP ?? byDefault.MinP,
            RepetitionPenalty = config.RepetitionPenalty ?? byDefault.RepetitionPenalty,
            MaxTokens = config.MaxNewTokens ?? byDefault.MaxTokens,
        };
    }
}
