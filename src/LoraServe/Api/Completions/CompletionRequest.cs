using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LoraServe.Generation;

namespace LoraServe.Api.Completions;

/// <summary>
/// A prompt to continue, the adapter to do it with, and how tokens are chosen. Only the prompt is required. The defaults of max_tokens,
/// temperature, top_p, top_k, min_p and repetition_penalty give way to what the model's generation_config.json recommends.
/// </summary>
public sealed record CompletionRequest : GenerationParameters
{
    /// <summary>The text to continue; or a list of texts, a list of token ids, or a list of such lists. Each gets n choices.</summary>
    /// <example>Which products cost less than 59 euros?</example>
    [Required]
    public Prompts? Prompt { get; init; }

    /// <summary>Most tokens to generate for each choice; 0 only evaluates the prompt.</summary>
    /// <example>64</example>
    [DefaultValue(16), Range(0, int.MaxValue)]
    public int MaxTokens { get; init; } = 16;

    /// <summary>Reports the log-probability of each token and of this many most probable alternatives.</summary>
    /// <example>2</example>
    [Range(0, 5)]
    public int? Logprobs { get; init; }

    /// <summary>Returns the prompt before the completion, and its logprobs if those are asked for.</summary>
    /// <example>false</example>
    [DefaultValue(false)]
    public bool Echo { get; init; }

    /// <summary>Adds to a prompt what the tokenizer adds on its own, such as a beginning-of-text token.</summary>
    /// <example>true</example>
    [DefaultValue(true)]
    public bool AddSpecialTokens { get; init; } = true;

    internal override int? MostTokens => MaxTokens;

    internal override int? Alternatives => Logprobs;

    internal override bool EchoesPrompt => Echo;
}
