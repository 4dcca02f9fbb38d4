using System.Text.Json;
using LoraServe.Api;
using LoraServe.Api.Chat;
using LoraServe.Api.Compare;
using LoraServe.Api.Completions;
using LoraServe.Api.Requests.Fields;
using LoraServe.Api.Tokenization;

namespace LoraServe.Tests.Api.Requests.Fields;

public class FieldTableTests
{
    private static readonly Dictionary<string, Type> Requests = new()
    {
        ["/v1/completions"] = typeof(CompletionRequest),
        ["/v1/chat/completions"] = typeof(ChatRequest),
        ["/v1/compare"] = typeof(CompareRequest),
        ["/tokenize"] = typeof(TokenizeRequest),
        ["/detokenize"] = typeof(DetokenizeRequest),
        ["/v1/load_lora_adapter"] = typeof(LoraServe.Api.Adapters.LoadLoraAdapterRequest),
    };

    /// <summary>Servers, routes, and what each field of theirs means.</summary>
    public static TheoryData<string, string> Servers { get; } = new(
        from file in Directory.EnumerateFiles(Repository.Golden("fields"), "*.json").Order(StringComparer.Ordinal)
        from route in Json(file).EnumerateObject()
        select (Path.GetFileNameWithoutExtension(file), route.Name));

    [Theory]
    [MemberData(nameof(Servers))]
    public void Field_OfAnotherServersRequest_IsOneOfTheFour(string server, string route)
    {
        var fields = Json(Repository.Golden("fields", $"{server}.json")).GetProperty(route).EnumerateObject().ToList();

        fields.ShouldNotBeEmpty();
        fields.Select(field => $"{field.Name}: {Meaning(route, field.Name)}").ShouldBe(fields.Select(field => $"{field.Name}: {field.Value.GetString()}"));
    }

    [Fact]
    public void Rules_OfEveryRoute_AreNoFieldsOfItsOwnAndNameKnownOnes()
    {
        foreach (var (route, rules) in FieldTable.All)
        {
            var known = Known(route);
            rules.All.Where(rule => !rule.Name.Contains('.')).ShouldAllBe(rule => !known.Contains(rule.Name), route);
            rules.All.OfType<OtherName>().ShouldAllBe(rule => known.Contains(rule.Of), route);
        }
    }

    [Fact]
    public Task Page_OfTheDocs_IsTheTable() => CheckedInPage.CheckAsync("fields.md", FieldsPage.Text());

    private static string Meaning(string route, string field) => Known(route).Contains(field) ? "known"
        : FieldTable.All.Single(table => table.Route == route).Rules.Find(field) switch
        {
            OtherName rule => $"= {rule.Of}",
            Harmless => "harmless",
            Unsupported => "refused",
            _ => "unclassified",
        };

    private static HashSet<string> Known(string route) =>
        [.. ApiJson.Options.GetTypeInfo(Requests[route]).Properties.Select(property => property.Name)];

    private static JsonElement Json(string file) => JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(file));
}
