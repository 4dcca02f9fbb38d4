using LoraServe.Text.Tokenizers;

namespace LoraServe.Engine.Adapters.Effects;

/// <summary>
/// The fixed texts on which the effect of an adapter is measured: prose, questions, code, tables and a few languages, one a line of
/// EffectPrompts.txt. Other texts give other figures, so a change of the file makes earlier measurements incomparable.
/// </summary>
internal static class EffectPrompts
{
    private const string ResourceName = "EffectPrompts.txt";

    // A forward pass of this many tokens takes little longer than a decode step of a few sequences.
    private const int MaxTokens = 32;

    /// <summary>Token ids of each text, longer ones cut off, as this tokenizer has them.</summary>
    /// <param name="tokenizer">The base's own.</param>
    /// <param name="vocabularySize">Tokens of the tokenizer that the model does not have are left out.</param>
    public static IReadOnlyList<int[]> Encode(Tokenizer tokenizer, int vocabularySize)
    {
        using var reader = new StreamReader(typeof(EffectPrompts).Assembly.GetManifestResourceStream(ResourceName)!);
        var texts = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return
        [
            .. texts.Select(text => tokenizer.Encode(text).Where(token => token < vocabularySize).Take(MaxTokens).ToArray())
                .Where(tokens => tokens.Length > 0),
        ];
    }
}
