using LoraServe.Text.Tokenizers.Decoding;

namespace LoraServe.Text.Tokenizers;

/// <summary>
/// Decodes a growing sequence of ids. The text returned so far plus that of <see cref="Flush"/> always equals the text of prompt
/// and ids decoded together, less the text of the prompt alone. Text that a later id may still change (half a character, a run
/// of byte tokens, spaces that may have to be stripped) is held back. One instance for each sequence; not thread-safe.
/// </summary>
public sealed class IncrementalDetokenizer
{
    private readonly Tokenizer _tokenizer;
    private readonly bool _skipSpecialTokens;
    private readonly TextCollector _text;
    private readonly DecoderStep _steps;

    /// <summary>The end of the prompt's text that was held back: it comes again with later ids and is not returned.</summary>
    private string _promptRest = "";

    /// <param name="tokenizer">the tokenizer of the ids</param>
    /// <param name="skipSpecialTokens">whether special tokens are left out of the text</param>
    /// <param name="prompt">ids before the sequence; their text is not returned</param>
    public IncrementalDetokenizer(Tokenizer tokenizer, bool skipSpecialTokens = true, ReadOnlySpan<int> prompt = default)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        (_tokenizer, _skipSpecialTokens, _text) = (tokenizer, skipSpecialTokens, new TextCollector());
        _steps = tokenizer.Decoder.Start(_text);
        foreach (var id in prompt) tokenizer.Write(id, skipSpecialTokens, _steps);
        var certain = _text.Take();
        if (!prompt.IsEmpty) _promptRest = tokenizer.Decode(prompt, skipSpecialTokens)[certain.Length..];
    }

    private IncrementalDetokenizer(IncrementalDetokenizer other)
    {
        (_tokenizer, _skipSpecialTokens, _text, _promptRest) = (other._tokenizer, other._skipSpecialTokens, new TextCollector(), other._promptRest);
        _steps = other._steps.Fork(_text);
    }

    /// <summary>
    /// Another one in the same state: several sequences that continue one prompt decode it once. Forks of one instance may be made concurrently
    /// as long as nothing is appended to it.
    /// </summary>
    public IncrementalDetokenizer Fork() => new(this);

    /// <summary>Appends an id and returns the text that can no longer change, often none.</summary>
    public string Append(int id)
    {
        _tokenizer.Write(id, _skipSpecialTokens, _steps);
        return WithoutPromptRest(_text.Take());
    }

    /// <summary>Ends the sequence and returns the text held back, with U+FFFD for bytes that are not valid UTF-8.</summary>
    public string Flush()
    {
        _steps.Complete();
        return WithoutPromptRest(_text.Take());
    }

    private string WithoutPromptRest(string text)
    {
        if (_promptRest.Length == 0) return text;
        var common = text.AsSpan().CommonPrefixLength(_promptRest);
        // Where the two differ, later ids have changed the end of the prompt's text: they completed half a character, for example.
        _promptRest = common == text.Length ? _promptRest[common..] : "";
        return text[common..];
    }
}
