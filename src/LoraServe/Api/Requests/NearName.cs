namespace LoraServe.Api.Requests;

/// <summary>The name that somebody may have meant by a wrong one.</summary>
internal static class NearName
{
    // Tolerated typos in a name: one letter in three, and at least one.
    private const int LettersPerMistake = 3;
    private const int MaxLength = 64;

    /// <summary>The nearest of some names; null if none is near. Ignores case, dashes and underscores.</summary>
    public static string? Find(string wrong, IEnumerable<string> names)
    {
        if (wrong.Length > MaxLength) return null;
        var text = Letters(wrong);
        return names.Select(name => (Name: name, Distance: Distance(text, Letters(name))))
            .Where(near => near.Distance <= (Math.Max(text.Length, Letters(near.Name).Length) + 1) / LettersPerMistake)
            .OrderBy(near => near.Distance)
            .Select(near => near.Name)
            .FirstOrDefault();
    }

    /// <summary>Whether two names differ only in case, dashes and underscores.</summary>
    public static bool AreSame(string one, string other) => Letters(one) == Letters(other);

    private static string Letters(string name) => string.Concat(name.Where(char.IsLetterOrDigit)).ToLowerInvariant();

    // Levenshtein distance.
    private static int Distance(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 1; i <= one.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= other.Length; j++)
            {
                var replaced = diagonal + (one[i - 1] == other[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[other.Length];
    }
}
