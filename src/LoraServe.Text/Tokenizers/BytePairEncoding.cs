using System.Buffers;
using System.Text;

namespace LoraServe.Text.Tokenizers;

/// <summary>The model of a tokenizer: words to ids by byte pair encoding. Safe for any number of threads.</summary>
internal sealed class BytePairEncoding
{
    private readonly Vocabulary _vocabulary;
    private readonly MergeRules _merges;
    private readonly WordCache _cache = new();
    private readonly string _continuingSubwordPrefix;
    private readonly string _endOfWordSuffix;
    private readonly int? _unknown;
    private readonly bool _fusesUnknown;
    private readonly bool _ignoresMerges;
    private readonly int?[] _byteTokens;

    /// <exception cref="FormatException">a field is missing, of a wrong type or not supported</exception>
    public BytePairEncoding(JsonField field)
    {
        if (field.Optional("type") is { } type && type.AsText() != "BPE") throw type.Expected("BPE, the only model that is supported");
        if (field.Optional("dropout") is { } dropout && dropout.AsNumber() != 0)
            throw dropout.Expected("0 or null: encoding has to be repeatable");
        _vocabulary = Vocabulary.Read(field["vocab"]);
        _continuingSubwordPrefix = field.Optional("continuing_subword_prefix")?.AsText() ?? "";
        _endOfWordSuffix = field.Optional("end_of_word_suffix")?.AsText() ?? "";
        _fusesUnknown = field.Optional("fuse_unk")?.AsBool() ?? false;
        _ignoresMerges = field.Optional("ignore_merges")?.AsBool() ?? false;
        if (field.Optional("unk_token") is { } unknown)
            _unknown = _vocabulary.Find(unknown.AsText()) ?? throw unknown.Expected("a token of the vocabulary");
        var fallsBackToBytes = field.Optional("byte_fallback")?.AsBool() ?? false;
        _byteTokens = [.. Enumerable.Range(0, 256).Select(value => fallsBackToBytes ? _vocabulary.Find($"<0x{value:X2}>") : null)];
        _merges = new MergeRules([.. field["merges"].Items().Select(ReadMerge)]);
    }

    public Vocabulary Vocabulary => _vocabulary;

    /// <summary>Appends the ids of a non-empty word.</summary>
    public void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        if (_ignoresMerges && _vocabulary.Find(word) is { } whole)
        {
            ids.Add(whole);
            return;
        }
        if (_cache.Find(word) is { } known)
        {
            ids.AddRange(known);
            return;
        }
        // A scalar value is one symbol, or up to four bytes: at most three symbols for each char, plus those of the affixes.
        var room = 3 * (word.Length + _endOfWordSuffix.Length) + (3 * _continuingSubwordPrefix.Length * word.Length);
        var symbols = ArrayPool<int>.Shared.Rent(room);
        var count = Split(word, symbols);
        count = _merges.Apply(symbols.AsSpan(0, count));
        ids.AddRange(symbols.AsSpan(0, count));
        _cache.Add(word, symbols.AsSpan(0, count));
        ArrayPool<int>.Shared.Return(symbols);
    }

    /// <summary>Writes the symbols of a word, one for each scalar value in the vocabulary, else its bytes or unk; returns their number.</summary>
    private int Split(ReadOnlySpan<char> word, int[] symbols)
    {
        var count = 0;
        var hasPendingUnknown = false;
        for (int start = 0, length; start < word.Length; start += length)
        {
            Rune.DecodeFromUtf16(word[start..], out _, out length);
            var symbol = WithAffixes(word.Slice(start, length), isFirst: start == 0, isLast: start + length == word.Length);
            if (_vocabulary.Find(symbol) is { } id)
            {
                if (hasPendingUnknown) symbols[count++] = _unknown!.Value;
                hasPendingUnknown = false;
                symbols[count++] = id;
            }
            else if (SplitBytes(symbol, symbols.AsSpan(count)) is > 0 and var bytes) count += bytes;
            else if (_unknown is { } unknown)
            {
                if (hasPendingUnknown && !_fusesUnknown) symbols[count++] = unknown;
                hasPendingUnknown = true;
            }
        }
        if (hasPendingUnknown) symbols[count++] = _unknown!.Value;
        return count;
    }

    private ReadOnlySpan<char> WithAffixes(ReadOnlySpan<char> symbol, bool isFirst, bool isLast)
    {
        if (!isFirst && _continuingSubwordPrefix.Length > 0) symbol = string.Concat(_continuingSubwordPrefix, symbol);
        return isLast && _endOfWordSuffix.Length > 0 ? string.Concat(symbol, _endOfWordSuffix) : symbol;
    }

    /// <summary>Writes the byte tokens of a symbol if the vocabulary has all of them; returns their number, else 0.</summary>
    private int SplitBytes(ReadOnlySpan<char> symbol, Span<int> tokens)
    {
        Span<byte> bytes = stackalloc byte[4];
        var count = 0;
        foreach (var rune in symbol.EnumerateRunes())
        {
            foreach (var value in bytes[..rune.EncodeToUtf8(bytes)])
            {
                if (_byteTokens[value] is not { } token) return 0;
                tokens[count++] = token;
            }
        }
        return count;
    }

    /// <summary>A merge is "left right" or ["left", "right"].</summary>
    private (int Left, int Right, int Result) ReadMerge(JsonField field)
    {
        string[] parts = field.IsArray ? [.. field.Items().Select(item => item.AsText())] : field.AsText().Split(' ');
        if (parts.Length != 2) throw field.Expected("two tokens");
        if (_vocabulary.Find(parts[0]) is not { } left || _vocabulary.Find(parts[1]) is not { } right)
            throw field.Expected("two tokens of the vocabulary");
        var tail = parts[1].StartsWith(_continuingSubwordPrefix, StringComparison.Ordinal) ? parts[1][_continuingSubwordPrefix.Length..]
            : throw field.Expected($"a second token that starts with {_continuingSubwordPrefix}");
        return _vocabulary.Find(parts[0] + tail) is { } result ? (left, right, result)
            : throw field.Expected("two tokens whose union is in the vocabulary");
    }
}
