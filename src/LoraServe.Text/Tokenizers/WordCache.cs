namespace LoraServe.Text.Tokenizers;

/// <summary>
/// A direct-mapped cache of the encodings of recent words: a word's hash gives its index, and a new entry replaces the old one. Safe
/// for any number of threads without locks, since entries are immutable.
/// </summary>
internal sealed class WordCache
{
    private const int Size = 1 << 15;
    private const int MaxWordLength = 64;

    private readonly Entry?[] _entries = new Entry?[Size];

    private sealed record Entry(string Word, int[] Ids);

    public int[]? Find(ReadOnlySpan<char> word)
    {
        if (word.Length > MaxWordLength) return null;
        var entry = Volatile.Read(ref _entries[Place(word)]);
        return entry is not null && word.SequenceEqual(entry.Word) ? entry.Ids : null;
    }

    public void Add(ReadOnlySpan<char> word, ReadOnlySpan<int> ids)
    {
        if (word.Length > MaxWordLength) return;
        Volatile.Write(ref _entries[Place(word)], new Entry(word.ToString(), ids.ToArray()));
    }

    private static int Place(ReadOnlySpan<char> word) => string.GetHashCode(word, StringComparison.Ordinal) & (Size - 1);
}
