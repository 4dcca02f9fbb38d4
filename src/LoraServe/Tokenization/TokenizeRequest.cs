namespace LoraServe.Tokenization;

/// <summary>A text whose tokens are asked for.</summary>
public sealed record TokenizeRequest
{
    /// <summary>The base model or an adapter; absent: the base model.</summary>
    /// <example>summarize</example>
    public string? Model { get; set; }

    /// <summary>The text.</summary>
    /// <example>Which products cost less than 59 euros?</example>
    public string? Prompt { get; set; }

    /// <summary>Whether to add the special tokens that the model expects around a text.</summary>
    /// <example>true</example>
    public bool AddSpecialTokens { get; set; } = true;

    /// <summary>Whether to return the tokens also as the vocabulary spells them.</summary>
    /// <example>true</example>
    public bool ReturnTokenStrs { get; set; }
}
