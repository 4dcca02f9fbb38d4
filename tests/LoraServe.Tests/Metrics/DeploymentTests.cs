using System.Text.Json;
using System.Text.RegularExpressions;

namespace LoraServe.Tests.Metrics;

/// <summary>Every metric in the dashboard and the alerts exists.</summary>
public partial class DeploymentTests(MetricsServer server) : IClassFixture<MetricsServer>
{
    [Theory]
    [InlineData("grafana-dashboard.json", 40)]
    [InlineData("alerts.yaml", 10)]
    public async Task Expressions_OfTheFile_NameMetricsThatExist(string file, int least)
    {
        var metrics = await server.ReadMetricsAsync();
        var expressions = Expressions(Repository.File("deploy", file));

        expressions.Count.ShouldBeGreaterThanOrEqualTo(least);
        foreach (var expression in expressions)
        {
            var names = Names(expression);
            names.ShouldNotBeEmpty(expression);
            // Prometheus itself provides the metric up.
            foreach (var name in names.Where(name => name != "up")) Exists(metrics, name).ShouldBeTrue($"{name} in {expression}");
        }
    }

    [Theory]
    [InlineData("""sum by (adapter, le) (rate(a:b_bucket{x=~"c|d", y!="e"}[5m])) > 0.5 and on (instance) f""", "a:b_bucket f")]
    [InlineData("""histogram_quantile(0.95, g_bucket) / h{i="{j}"} * 1e3""", "g_bucket h")]
    public void Names_OfAnExpression_AreItsMetrics(string expression, string names) => string.Join(' ', Names(expression)).ShouldBe(names);

    // For a histogram, the name of one of its parts.
    private static bool Exists(PrometheusText metrics, string name) => metrics.Families.Values.Any(family =>
        family.Type == "histogram" ? family.Owns(name) : family.Name == name);

    private static List<string> Expressions(string path) => path.EndsWith(".json", StringComparison.Ordinal)
        ? [.. Find(JsonDocument.Parse(File.ReadAllText(path)).RootElement)]
        : [.. Rules().Matches(File.ReadAllText(path)).Select(rule => rule.Groups["expression"].Value)];

    private static IEnumerable<string> Find(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => json.EnumerateObject().SelectMany(field => field.Name == "expr" ? [field.Value.GetString()!] : Find(field.Value)),
        JsonValueKind.Array => json.EnumerateArray().SelectMany(Find),
        _ => [],
    };

    // Metric names: identifiers outside of strings, selectors, ranges, groupings and function calls.
    private static List<string> Names(string expression)
    {
        var rest = Texts().Replace(expression, "");
        rest = Braces().Replace(rest, " ");
        rest = Groupings().Replace(rest, " ");
        return [.. Identifiers().Matches(rest).Select(match => match.Value).Where(name => name is not ("and" or "or" or "unless" or "bool"))];
    }

    // On the same line, or a folded block below.
    [GeneratedRegex(@"^ {8}expr: (>-(?<expression>(\n {10}.*)+)|(?<expression>.*))$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Rules();

    [GeneratedRegex("\"[^\"]*\"")]
    private static partial Regex Texts();

    [GeneratedRegex(@"\{[^}]*\}|\[[^\]]*\]")]
    private static partial Regex Braces();

    [GeneratedRegex(@"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")]
    private static partial Regex Groupings();

    [GeneratedRegex(@"(?<![\w:.])[a-zA-Z_:][\w:]*\b(?!\s*\()(?!\s+(?=\())")]
    private static partial Regex Identifiers();
}
