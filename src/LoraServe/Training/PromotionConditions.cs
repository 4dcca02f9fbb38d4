using System.Globalization;
using LoraServe.Api.FineTuning;
using LoraServe.Api.Requests;
using LoraServe.Text.Faults;

namespace LoraServe.Training;

/// <summary>A condition of a promotion does not hold; the message has the figures.</summary>
internal sealed class ConditionsNotMetException(string message) : Exception(message);

/// <summary>Conditions on figures for moving an alias: {"exact_match": ">=0.9"}.</summary>
internal sealed class PromotionConditions
{
    // Longer operators first: > is a prefix of >=.
    private static readonly (string Sign, Func<double, double, bool> Holds)[] Operators =
    [
        (">=", static (figure, limit) => figure >= limit),
        ("<=", static (figure, limit) => figure <= limit),
        (">", static (figure, limit) => figure > limit),
        ("<", static (figure, limit) => figure < limit),
    ];

    private static readonly Dictionary<string, Func<FiguresResource, double?>> Figures = new(StringComparer.Ordinal)
    {
        ["exact_match"] = figures => figures.ExactMatch,
        ["loss"] = figures => figures.Loss,
        ["perplexity"] = figures => figures.Perplexity,
        ["token_accuracy"] = figures => figures.TokenAccuracy,
    };

    private readonly List<(string Name, string Text, Func<double, bool> Holds)> _conditions = [];

    /// <summary>Reads the conditions of a request.</summary>
    /// <exception cref="InvalidRequestException">With every fault.</exception>
    public static PromotionConditions Parse(IReadOnlyDictionary<string, string>? texts)
    {
        var (conditions, faults) = (new PromotionConditions(), new RequestFaults());
        foreach (var (name, text) in texts ?? new Dictionary<string, string>())
        {
            if (!Figures.ContainsKey(name)) faults.Add(new("if", $"expected some of {string.Join(", ", Figures.Keys)}, found '{FaultText.Shorten(name)}'"));
            else if (TryParse(text) is { } holds) conditions._conditions.Add((name, text, holds));
            else faults.Add(new($"if.{name}", $"expected >=, >, <= or < and a number, such as >=0.9, found '{FaultText.Shorten(text)}'"));
        }

        faults.ThrowIfAny();
        return conditions;
    }

    /// <summary>Checks figures; null if there are none.</summary>
    /// <exception cref="ConditionsNotMetException">
    /// A condition does not hold or cannot be checked; the message has every figure.
    /// </exception>
    public void Check(FiguresResource? figures)
    {
        var failed = new List<string>();
        foreach (var (name, text, holds) in _conditions)
        {
            if (figures is null)
                failed.Add($"{name}: wanted {text}, but it was not evaluated on held-out examples: train with a validation file or split");
            else if (Figures[name](figures) is not { } figure)
                failed.Add($"{name}: wanted {text}, but there is no such figure{Advice(name)}");
            else if (!holds(figure))
                failed.Add($"{name}: wanted {text}, found {figure.ToString("0.######", CultureInfo.InvariantCulture)}");
        }

        if (failed.Count > 0) throw new ConditionsNotMetException($"Nothing was promoted: {string.Join("; ", failed)}");
    }

    private static string Advice(string name) => name == "exact_match" ? ": train with exact_match_examples" : "";

    private static Func<double, bool>? TryParse(string text)
    {
        var (sign, holds) = Array.Find(Operators, candidate => text.StartsWith(candidate.Sign, StringComparison.Ordinal));
        return sign is not null
            && double.TryParse(text.AsSpan(sign.Length), NumberStyles.Float, CultureInfo.InvariantCulture, out var limit)
            && double.IsFinite(limit)
                ? figure => holds(figure, limit)
                : null;
    }
}
