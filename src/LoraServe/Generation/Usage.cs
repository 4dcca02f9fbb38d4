namespace LoraServe.Generation;

/// <summary>Tokens read and written.</summary>
public sealed record Usage
{
    /// <summary>Tokens of all prompts.</summary>
    /// <example>12</example>
    public required int PromptTokens { get; init; }

    /// <summary>Tokens of all choices.</summary>
    /// <example>15</example>
    public required int CompletionTokens { get; init; }

    /// <summary>Their sum.</summary>
    /// <example>27</example>
    public int TotalTokens => PromptTokens + CompletionTokens;

    /// <summary>What the tokens of the prompts were.</summary>
    public required PromptTokensDetails PromptTokensDetails { get; init; }
}

/// <summary>What the tokens of the prompts were.</summary>
public sealed record PromptTokensDetails
{
    /// <summary>Tokens that an earlier request with the same beginning and the same adapter version had computed already.</summary>
    /// <example>0</example>
    public required int CachedTokens { get; init; }
}
