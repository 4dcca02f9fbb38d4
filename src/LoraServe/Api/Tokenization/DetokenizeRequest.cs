namespace LoraServe.Api.Tokenization;

/// <summary>Tokens whose text is asked for.</summary>
public sealed record DetokenizeRequest
{
    /// <summary>The base model or an adapter; absent: the base model.</summary>
    /// <example>summarize</example>
    public string? Model { get; set; }

    /// <summary>The ids; special tokens become their text.</summary>
    /// <example>[318, 1490, 27]</example>
    public IReadOnlyList<int>? Tokens { get; set; }
}

/// <summary>The text of tokens.</summary>
public sealed record DetokenizeResponse
{
    /// <summary>The text.</summary>
    /// <example>Which products?</example>
    public required string Prompt { get; init; }
}
