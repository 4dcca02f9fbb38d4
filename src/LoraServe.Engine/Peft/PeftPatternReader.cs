using System.Text.Json;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Peft;

/// <summary>Reads the regular expressions of a configuration, which together may cost only so much to match.</summary>
internal sealed class PeftPatternReader(PeftFields fields)
{
    // Characters of all regular expressions together that are more than plain paths.
    private const int MaxComplexity = 4000;

    private readonly MatchingTime _time = new();
    private int _complexity;

    /// <summary>One regular expression; null if it cannot be used, which is a fault of the field.</summary>
    /// <param name="field">Where it stands.</param>
    /// <param name="text">As Python would read it.</param>
    /// <param name="create">One of the ways to match of <see cref="PeftPattern"/>.</param>
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

    /// <summary>An object whose names are the ends of paths as regular expressions, in the file's order.</summary>
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
