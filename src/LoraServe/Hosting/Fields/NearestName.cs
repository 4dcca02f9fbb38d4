namespace LoraServe.Hosting.Fields;

/// <summary>Finds the name that somebody meant who wrote another.</summary>
internal static class NearestName
{
    private const int MaxLength = 64;

    /// <summary>The known name nearest to one that is not, or null where none is near.</summary>
    public static string? Of(string name, IEnumerable<string> known)
    {
        if (name.Length > MaxLength) return null;
        var plain = Plain(name);
        var most = Math.Min(2, plain.Length / 3);
        return known.Select(other => (Name: other, Distance: Distance(plain, Plain(other))))
            .Where(other => other.Distance <= most)
            .OrderBy(other => other.Distance).ThenBy(other => other.Name, StringComparer.Ordinal)
            .Select(other => other.Name).FirstOrDefault();
    }

    // maxTokens and max-tokens are max_tokens.
    private static string Plain(string name) => name.Replace("_", "").Replace("-", "").ToLowerInvariant();

    // Levenshtein's: letters to insert, to drop or to change.
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(change, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
