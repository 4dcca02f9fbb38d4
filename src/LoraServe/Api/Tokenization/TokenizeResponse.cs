using System.Text.Json.Serialization;

namespace LoraServe.Api.Tokenization;

/// <summary>The tokens of a text.</summary>
public sealed record TokenizeResponse
{
    /// <summary>Number of tokens.</summary>
    /// <example>3</example>
    public int Count => Tokens.Count;

    /// <summary>Most tokens of a prompt and its continuation together.</summary>
    /// <example>1024</example>
    public required int MaxModelLen { get; init; }

    /// <summary>The ids.</summary>
    /// <example>[318, 1490, 27]</example>
    public required IReadOnlyList<int> Tokens { get; init; }

    /// <summary>The tokens as the vocabulary spells them; absent unless they were asked for.</summary>
    /// <example>["Which", "Ġproducts", "?"]</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? TokenStrs { get; init; }
}
