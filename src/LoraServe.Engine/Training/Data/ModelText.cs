using LoraServe.Text.Templates;
using LoraServe.Text.Tokenizers;

namespace LoraServe.Engine.Training.Data;

/// <summary>What a model makes of text.</summary>
internal sealed record ModelText
{
    // Normalisation can make text shorter, composition of characters by up to this factor.
    private const int MostBytesNormalizedToOne = 4;

    /// <summary>Text to tokens.</summary>
    public required Tokenizer Tokenizer { get; init; }

    /// <summary>Conversations to text.</summary>
    public required ChatTemplates Templates { get; init; }

    /// <summary>Tokens at which generation ends; the first one ends completions.</summary>
    public required IReadOnlyList<int> EndTokens { get; init; }

    /// <summary>Tokens that the model knows.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Most tokens of an example.</summary>
    public required int MaxSequenceLength { get; init; }

    /// <summary>Whether texts have too many tokens for an example whatever they are: reason not to encode them.</summary>
    public bool IsTooLong(long characters) =>
        characters > (long)MaxSequenceLength * Tokenizer.LongestTokenLength * MostBytesNormalizedToOne;
}
