namespace LoraServe.Text.Tokenizers;

/// <summary>The tokens of the model: text to id and back. Immutable.</summary>
internal sealed class Vocabulary
{
    /// <summary>Far above any published vocabulary: a larger id is a fault of the file, so that it cannot force a large allocation.</summary>
    public const int MaxId = (1 << 24) - 1;

    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _idsBySpan;

    private Vocabulary(Dictionary<string, int> ids)
    {
        _ids = ids;
        _idsBySpan = ids.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public IReadOnlyDictionary<string, int> Ids => _ids;

    /// <exception cref="FormatException">an id is not a whole number from 0 to <see cref="MaxId"/></exception>
    public static Vocabulary Read(JsonField field)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (token, id) in field.Properties()) ids[token] = id.AsInt(MaxId);
        return new Vocabulary(ids);
    }

    public int? Find(ReadOnlySpan<char> token) => _idsBySpan.TryGetValue(token, out var id) ? id : null;
}
