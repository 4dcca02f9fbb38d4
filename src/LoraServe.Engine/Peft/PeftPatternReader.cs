using System.Text.Json;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Peft;

/// <summary>Reads the regular expressions of a configuration, with a limit on their total matching cost.</summary>
internal sealed class PeftPatternReader(PeftFields fields)
{
    // Total characters of regular expressions other than plain paths.
    private const int MaxComplexity = 4000;

    private readonly MatchingTime _time = new();
    private int _complexity;

    /// <summary>Reads one regular expression; null if it is unusable, which is a fault of the field.</summary>
    /// <param name="field">The field that holds it.</param>
    /// <param name="text">The expression in Python's syntax.</param>
    /// <param name="create">One of the factory methods of <see cref="PeftPattern"/>.</param>
    public PeftPattern? Read(string field, string text, Func<string, MatchingTime, PeftPattern> create)
    {
        try
        {
            var pattern = _complexity <= MaxComplexity ? create(text, _time) : null;
            _complexity += pattern?.Complexity ?? 0;
            if (_complexity <= MaxComplexity) return pattern;
            fields.Incompatible(field, $"regular expressions of more than {MaxComplexity} characters together");
        }
        catch (ArgumentException e)
        {
            fields.Incompatible(field, $"'{FaultText.Shorten(text)}': {e.Message}");
        }

        return null;
    }

    /// <summary>Reads an object with property names that are regular expressions for path suffixes, in the file's order.</summary>
    public IReadOnlyList<(PeftPattern Pattern, T Value)> ReadAll<T>(string field, Func<string, JsonElement, T> value)
    {
        var patterns = new List<(PeftPattern, T)>();
        foreach (var property in fields.Properties(field))
        {
            if (Read(field, property.Name, PeftPattern.Suffix) is { } pattern)
                patterns.Add((pattern, value($"{field}: '{FaultText.Shorten(property.Name)}'", property.Value)));
        }

        return patterns;
    }
}
