using LoraServe.Text.Tokenizers;

namespace LoraServe.Generation;

/// <summary>A prompt as shown in answers and as what its continuations follow, computed lazily and once for all of its choices. Safe for concurrent use.</summary>
internal sealed class PromptText
{
    private readonly GenerationPrompt _prompt;
    private readonly Tokenizer _tokenizer;
    private readonly Lazy<string> _value;
    private readonly Lazy<int[]> _offsets;
    private readonly Lazy<int> _codePoints;
    private readonly Lazy<IncrementalDetokenizer> _end;

    /// <param name="prompt">The prompt.</param>
    /// <param name="tokenizer">Turns ids back into text.</param>
    /// <param name="skipSpecialTokens">Whether special tokens sent as ids have no text.</param>
    public PromptText(GenerationPrompt prompt, Tokenizer tokenizer, bool skipSpecialTokens)
    {
        (_prompt, _tokenizer) = (prompt, tokenizer);
        _value = new Lazy<string>(() => prompt.Text ?? tokenizer.Decode([.. prompt.Ids], skipSpecialTokens));
        _offsets = new Lazy<int[]>(Locate);
        _codePoints = new Lazy<int>(() => Count(Value));
        HidesSpecialTokens = skipSpecialTokens && !prompt.KeepsSpecialTokens;
        _end = new Lazy<IncrementalDetokenizer>(() => new IncrementalDetokenizer(tokenizer, HidesSpecialTokens, [.. prompt.Ids]));
    }

    /// <summary>The text, as sent if it was sent as text.</summary>
    public string Value => _value.Value;

    /// <summary>Whether special tokens of a continuation have no text.</summary>
    public bool HidesSpecialTokens { get; }

    /// <summary>Code points of the text.</summary>
    public int CodePoints => _codePoints.Value;

    /// <summary>The offset of each token in the text, in code points.</summary>
    public IReadOnlyList<int> Offsets => _offsets.Value;

    /// <summary>Decodes a continuation.</summary>
    public IncrementalDetokenizer Detokenizer() => _end.Value.Fork();

    /// <summary>Code points of any text.</summary>
    public static int Count(string text)
    {
        var count = 0;
        foreach (var _ in text.EnumerateRunes()) count++;
        return count;
    }

    private int[] Locate()
    {
        var detokenizer = new IncrementalDetokenizer(_tokenizer, skipSpecialTokens: false);
        var rest = Value.AsSpan();
        var offset = 0;
        var offsets = new int[_prompt.Ids.Count];
        for (var i = 0; i < offsets.Length; i++)
        {
            var id = _prompt.Ids[i];
            offsets[i] = offset;
            // Added by the tokenizer to the text that was sent, or skipped in decoding.
            if (_tokenizer.IsSpecial(id) && !rest.StartsWith(_tokenizer.TokenText(id), StringComparison.Ordinal)) continue;
            var piece = detokenizer.Append(id);
            rest = rest[Math.Min(piece.Length, rest.Length)..];
            offset += Count(piece);
        }

        return offsets;
    }
}
