using System.Buffers;
using System.Text;
using LoraServe.Text.Tokenizers.Patterns;

namespace LoraServe.Text.Tokenizers;

/// <summary>Finds added tokens in a text: leftmost first, the longest at each position. Immutable.</summary>
internal sealed class AddedTokenMatcher
{
    private readonly SearchValues<string> _starts;
    private readonly Dictionary<(int Node, char Next), int> _trie = [];
    private readonly List<AddedToken?> _tokens = [null];

    /// <param name="tokens">each token with the text to match; of two with the same text the first wins</param>
    public AddedTokenMatcher(IEnumerable<(string Text, AddedToken Token)> tokens)
    {
        var texts = new List<string>();
        foreach (var (text, token) in tokens.Where(token => token.Text.Length > 0))
        {
            texts.Add(text);
            Insert(text, token);
        }
        _starts = SearchValues.Create([.. texts], StringComparison.Ordinal);
    }

    /// <summary>A part of the text: an added token, or the text between two of them.</summary>
    internal readonly record struct Part(int Start, int End, AddedToken? Token);

    /// <summary>Splits a text into added tokens, with the white space that they strip, and the text between them.</summary>
    public List<Part> Split(string text)
    {
        var parts = new List<Part>();
        var last = 0;
        for (var search = 0; Find(text, search, out var start, out var end) is { } token; search = end)
        {
            if (token.SingleWord && (EndsWithWord(text.AsSpan(0, start)) || StartsWithWord(text.AsSpan(end)))) continue;
            var from = token.StripsLeft ? Math.Max(text.AsSpan(0, start).TrimEnd().Length, last) : start;
            var to = token.StripsRight ? text.Length - text.AsSpan(end).TrimStart().Length : end;
            // As in Hugging Face tokenizers, white space stripped by the token before can be matched again, unless this token strips it.
            if (from >= to) continue;
            if (last < from) parts.Add(new(last, from, null));
            parts.Add(new(from, to, token));
            last = to;
        }
        if (last < text.Length) parts.Add(new(last, text.Length, null));
        return parts;
    }

    private void Insert(string text, AddedToken token)
    {
        var node = 0;
        foreach (var unit in text)
        {
            if (!_trie.TryGetValue((node, unit), out var next))
            {
                _trie[(node, unit)] = next = _tokens.Count;
                _tokens.Add(null);
            }
            node = next;
        }
        _tokens[node] ??= token;
    }

    private AddedToken? Find(string text, int from, out int start, out int end)
    {
        start = end = from;
        AddedToken? longest = null;
        var offset = text.AsSpan(from).IndexOfAny(_starts);
        if (offset < 0) return null;
        start = from + offset;
        var node = 0;
        for (var i = start; i < text.Length && _trie.TryGetValue((node, text[i]), out node); i++)
        {
            if (_tokens[node] is { } token) (longest, end) = (token, i + 1);
        }
        return longest;
    }

    private static bool EndsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeLastFromUtf16(text, out var rune, out _) == OperationStatus.Done && IsWord(rune);

    private static bool StartsWithWord(ReadOnlySpan<char> text) =>
        Rune.DecodeFromUtf16(text, out var rune, out _) == OperationStatus.Done && IsWord(rune);

    /// <summary>Unlike \w in a pattern, this counts U+200C and U+200D (zero-width joiners) as word characters.</summary>
    private static bool IsWord(Rune rune) => RuneProperties.Word.Contains(rune.Value) || rune.Value is 0x200C or 0x200D;
}
