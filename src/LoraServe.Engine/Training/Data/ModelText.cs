using LoraServe.Text.Templates;
using LoraServe.Text.Tokenizers;

namespace LoraServe.Engine.Training.Data;

/// <summary>How a model's text becomes tokens.</summary>
internal sealed record ModelText
{
    // Normalisation can make text shorter, composition of characters by up to this factor.
    private const int MostBytesNormalizedToOne = 4;

    /// <summary>Text to tokens.</summary>
    public required Tokenizer Tokenizer { get; init; }

    /// <summary>Conversations to text.</summary>
    public required ChatTemplates Templates { get; init; }

    /// <summary>Tokens that end generation; the first one ends completions.</summary>
    public required IReadOnlyList<int> EndTokens { get; init; }

    /// <summary>Size of the vocabulary.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Maximum tokens of an example.</summary>
    public required int MaxSequenceLength { get; init; }

    /// <summary>Whether texts are certainly too long for an example, so that encoding them is pointless.</summary>
    public bool IsTooLong(long characters) =>
        characters > (long)MaxSequenceLength * Tokenizer.LongestTokenLength * MostBytesNormalizedToOne;
}
