using LoraServe.Text.Tokenizers.Decoding;

namespace LoraServe.Text.Tokenizers;

/// <summary>
/// The text of a sequence of ids as it grows. The text handed out so far, together with what <see cref="Flush"/> would add, is
/// always what decoding the prompt and the ids gives behind what decoding the prompt alone gives. What a later id may still
/// change (half a character, a run of byte tokens, spaces that may have to be stripped) is held back. For one sequence and one
/// thread at a time.
/// </summary>
public sealed class IncrementalDetokenizer
{
    private readonly Tokenizer _tokenizer;
    private readonly bool _skipSpecialTokens;
    private readonly TextCollector _text = new();
    private readonly DecoderStep _steps;

    /// <summary>What the prompt's own text has beyond what is certain after the prompt: it comes again and is not handed out.</summary>
    private string _promptRest = "";

    /// <param name="tokenizer">what the ids belong to</param>
    /// <param name="skipSpecialTokens">whether special tokens have no text</param>
    /// <param name="prompt">ids that go before, whose text is not handed out</param>
    public IncrementalDetokenizer(Tokenizer tokenizer, bool skipSpecialTokens = true, ReadOnlySpan<int> prompt = default)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        (_tokenizer, _skipSpecialTokens) = (tokenizer, skipSpecialTokens);
        _steps = tokenizer.Decoder.Start(_text);
        foreach (var id in prompt) tokenizer.Write(id, skipSpecialTokens, _steps);
        var certain = _text.Take();
        if (!prompt.IsEmpty) _promptRest = tokenizer.Decode(prompt, skipSpecialTokens)[certain.Length..];
    }

    /// <summary>Takes the next id and returns the text that has become certain, often none.</summary>
    public string Append(int id)
    {
        _tokenizer.Write(id, _skipSpecialTokens, _steps);
        return WithoutPromptRest(_text.Take());
    }

    /// <summary>The sequence is over: returns what was held back, with U+FFFD for bytes that are no character.</summary>
    public string Flush()
    {
        _steps.Complete();
        return WithoutPromptRest(_text.Take());
    }

    private string WithoutPromptRest(string text)
    {
        if (_promptRest.Length == 0) return text;
        var common = text.AsSpan().CommonPrefixLength(_promptRest);
        // Where the two differ, the ids behind the prompt have changed its end: half a character, say, is now whole.
        _promptRest = common == text.Length ? _promptRest[common..] : "";
        return text[common..];
    }
}
