using LoraServe.Text.Tokenizers.Decoding;
using LoraServe.Text.Tokenizers.Normalization;
using LoraServe.Text.Tokenizers.PreTokenization;

namespace LoraServe.Text.Tokenizers;

/// <summary>
/// Text to token ids and back, as Hugging Face tokenizers does it for the same tokenizer.json. Safe for any number of threads.
/// </summary>
public sealed class Tokenizer
{
    private readonly BytePairEncoding _model;
    private readonly Normalizer _normalizer;
    private readonly PreTokenizer? _preTokenizer;
    private readonly PostProcessor _postProcessor;
    private readonly Decoder _decoder;
    private readonly AddedTokenMatcher _originalTokens;
    private readonly AddedTokenMatcher _normalizedTokens;
    private readonly Dictionary<string, int> _addedIds;
    private readonly string?[] _tokens;
    private readonly bool[] _isSpecial;

    private Tokenizer(TokenizerFile file)
    {
        (_model, _normalizer, _preTokenizer) = (file.Model, file.Normalizer, file.PreTokenizer);
        (_postProcessor, _decoder) = (file.PostProcessor, file.Decoder);
        // Special tokens come first: of two added tokens with the same text, the special one wins.
        AddedToken[] added = [.. file.AddedTokens.OrderByDescending(token => token.IsSpecial).Select(WithVocabularyId)];
        _originalTokens = new(added.Where(token => !token.IsNormalized).Select(token => (token.Content, token)));
        _normalizedTokens = new(added.Where(token => token.IsNormalized).Select(token => (_normalizer(token.Content), token)));
        _addedIds = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var token in added) _addedIds[token.Content] = token.Id;

        var highest = _model.Vocabulary.Ids.Values.Concat(_addedIds.Values).DefaultIfEmpty(-1).Max();
        _tokens = new string?[highest + 1];
        foreach (var (token, id) in _model.Vocabulary.Ids) _tokens[id] = token;
        foreach (var (token, id) in _addedIds) _tokens[id] = token;
        var special = added.Where(token => token.IsSpecial).Select(token => token.Content).ToHashSet(StringComparer.Ordinal);
        LongestTokenLength = _tokens.Max(token => token?.Length) ?? 0;
        _isSpecial = [.. _tokens.Select(token => token is not null && special.Contains(token))];
    }

    /// <summary>Reads the tokenizer of a model.</summary>
    /// <param name="path">A model's folder, or its tokenizer.json.</param>
    /// <exception cref="InvalidTokenizerException">The file cannot be used; the message names every field at fault.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static Tokenizer Load(string path) =>
        new(TokenizerFile.Read(Directory.Exists(path) ? Path.Combine(path, "tokenizer.json") : path));

    /// <summary>The highest id, added tokens included, plus 1.</summary>
    public int VocabularySize => _tokens.Length;

    /// <summary>
    /// The length of the longest token, in chars. If every character is in the vocabulary or falls back to bytes, and no step strips
    /// white space, a text longer than n times this has more than n tokens and can be refused before it is encoded.
    /// </summary>
    public int LongestTokenLength { get; }

    internal Decoder Decoder => _decoder;

    /// <summary>
    /// The ids of a text. Added tokens in the text, special ones included, become their ids. Half of a surrogate pair
    /// counts as U+FFFD.
    /// </summary>
    /// <param name="text">Any text.</param>
    /// <param name="addSpecialTokens">Whether it gets what the tokenizer adds on its own.</param>
    /// <param name="most">Encoding stops after the word with which the ids outnumber this.</param>
    /// <param name="cancellation">Ends it between two words.</param>
    public int[] Encode(
        string text, bool addSpecialTokens = true, int most = int.MaxValue, CancellationToken cancellation = default)
    {
        var ids = new List<int>();
        if (addSpecialTokens) ids.AddRange(_postProcessor.Prefix);
        foreach (var word in Words(WithoutHalfPairs(text), isBackwards: false))
        {
            Append(word, ids, cancellation);
            if (ids.Count > most) break;
        }

        if (addSpecialTokens) ids.AddRange(_postProcessor.Suffix);
        return [.. ids];
    }

    /// <summary>
    /// The last ids that <see cref="Encode"/> gives. Words are encoded independently, so only the last words are
    /// encoded, and only the last parts between added tokens are normalized and split.
    /// </summary>
    /// <param name="text">Any text.</param>
    /// <param name="count">The largest number of ids returned.</param>
    /// <param name="addSpecialTokens">Whether it gets what the tokenizer adds on its own.</param>
    /// <param name="cancellation">Ends it between two words.</param>
    public int[] EncodeEnd(string text, int count, bool addSpecialTokens = true, CancellationToken cancellation = default)
    {
        // From the last id to the first.
        var ids = new List<int>();
        if (addSpecialTokens) ids.AddRange(_postProcessor.Suffix.Reverse());
        var own = new List<int>();
        foreach (var word in Words(WithoutHalfPairs(text), isBackwards: true))
        {
            if (ids.Count >= count) break;
            own.Clear();
            Append(word, own, cancellation);
            own.Reverse();
            ids.AddRange(own);
        }

        if (addSpecialTokens) ids.AddRange(_postProcessor.Prefix.Reverse());
        return [.. ids.Take(count).Reverse()];
    }

    /// <summary>The text of ids; ids outside the vocabulary are skipped.</summary>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = false)
    {
        var text = new TextCollector();
        var steps = _decoder.Start(text);
        foreach (var id in ids) Write(id, skipSpecialTokens, steps);
        steps.Complete();
        return text.Take();
    }

    /// <summary>
    /// The text that <see cref="Decode"/> gives for a single id; bytes that are not valid UTF-8 are written as bytes:\xe2\x80, as
    /// the OpenAI API does.
    /// </summary>
    public string TokenText(int id)
    {
        var text = Decode([id]);
        if (!text.Contains('\uFFFD', StringComparison.Ordinal) || _decoder.Bytes(_tokens[id]!) is not { } bytes) return text;
        return System.Text.Unicode.Utf8.IsValid(bytes) ? text : $"bytes:{string.Concat(bytes.Select(value => $"\\x{value:x2}"))}";
    }

    /// <summary>The bytes of an id; those of consecutive ids, joined, are the text in UTF-8.</summary>
    public byte[] TokenBytes(int id)
    {
        var text = Decode([id]);
        return text.Contains('\uFFFD', StringComparison.Ordinal) && _decoder.Bytes(_tokens[id]!) is { } bytes
            ? [.. bytes]
            : System.Text.Encoding.UTF8.GetBytes(text);
    }

    /// <summary>Whether decoding can skip the token.</summary>
    public bool IsSpecial(int id) => (uint)id < (uint)_isSpecial.Length && _isSpecial[id];

    /// <summary>The id of a token as the vocabulary spells it, null if there is none.</summary>
    public int? TokenId(string content) => _addedIds.TryGetValue(content, out var id) ? id : _model.Vocabulary.Find(content);

    /// <summary>The token of an id as the vocabulary spells it, null if there is none.</summary>
    public string? Token(int id) => (uint)id < (uint)_tokens.Length ? _tokens[id] : null;

    /// <summary>Writes the token of an id to the first step of a decoder.</summary>
    internal void Write(int id, bool skipSpecialTokens, DecoderStep steps)
    {
        if ((uint)id >= (uint)_tokens.Length || _tokens[id] is not { } token || skipSpecialTokens && _isSpecial[id]) return;
        steps.Write(token);
        steps.EndToken();
    }

    // Added tokens and the words between them, each encoded independently.
    private IEnumerable<(int? Id, Piece Word)> Words(string text, bool isBackwards) =>
        Ordered(_originalTokens.Split(text), isBackwards).SelectMany(part => part.Token is { } token
            ? [(token.Id, default)]
            : NormalizedWords(_normalizer(text[part.Start..part.End]), part.Start == 0, isBackwards));

    private IEnumerable<(int? Id, Piece Word)> NormalizedWords(string text, bool isFirst, bool isBackwards) =>
        Ordered(_normalizedTokens.Split(text), isBackwards).SelectMany(part => part.Token is { } token
            ? [(token.Id, default)]
            : Split(new Piece(text, part.Start, part.End - part.Start, isFirst && part.Start == 0), isBackwards));

    private IEnumerable<(int? Id, Piece Word)> Split(Piece piece, bool isBackwards) => _preTokenizer is null
        ? [(null, piece)]
        : Ordered(_preTokenizer.Split([piece]), isBackwards).Select(word => ((int?)null, word));

    private static IEnumerable<T> Ordered<T>(List<T> items, bool isBackwards) => isBackwards ? items.AsEnumerable().Reverse() : items;

    private void Append((int? Id, Piece Word) word, List<int> ids, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (word.Id is { } id) ids.Add(id);
        else _model.Encode(word.Word.Text, ids);
    }

    /// <summary>A token that is also in the model's vocabulary keeps its id there.</summary>
    private AddedToken WithVocabularyId(AddedToken token) =>
        _model.Vocabulary.Find(token.Content) is { } id ? token with { Id = id } : token;

    private static string WithoutHalfPairs(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1])) i++;
            else return string.Concat(text.EnumerateRunes());
        }
        return text;
    }
}
