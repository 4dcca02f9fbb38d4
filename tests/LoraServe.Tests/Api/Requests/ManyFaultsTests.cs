using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace LoraServe.Tests.Api.Requests;

/// <summary>Requests with a hundred thousand faults, or with one that is megabytes long: answers and refusals stay short.</summary>
[Collection(nameof(DemoServer))]
public class ManyFaultsTests(DemoServer server)
{
    private const int Count = 100_000;
    private const int MostBytes = 64 << 10;
    private const string User = """{"role": "user", "content": "a"}""";
    private const string Marker = "Quetzalcoatlus";

    private static readonly Dictionary<string, (string Method, string Path, Func<string> Body)> All = new()
    {
        ["messages"] = ("POST", "/v1/chat/completions", () => Object("messages", List("1"))),
        ["roles"] = ("POST", "/v1/chat/completions", () => Object("messages", List($$"""{"role": "{{Marker}}"}"""))),
        ["parts"] = ("POST", "/v1/chat/completions", () => Object("messages", $$"""[{"role": "user", "content": {{List("1")}}}]""")),
        ["calls"] = ("POST", "/v1/chat/completions", () => Object("messages", $$"""[{{User}}, {"role": "assistant", "tool_calls": {{List("1")}}}]""")),
        ["tools"] = ("POST", "/v1/chat/completions", () => $$"""{"messages": [{{User}}], "tools": {{List("1")}}}"""),
        ["role"] = ("POST", "/v1/chat/completions", () => $$"""{"messages": [{"role": "{{Long}}", "content": "a"}]}"""),
        ["compared messages"] = ("POST", "/v1/compare", () => $$"""{"adapters": ["sql"], "messages": {{List("1")}}}"""),
        ["model"] = ("POST", "/v1/completions", () => $$"""{"model": "{{Long}}", "prompt": "a"}"""),
        ["guided"] = ("POST", "/v1/completions", () => Names(start: "guided_")),
        ["prompt"] = ("POST", "/v1/completions", () => Object("prompt", List("{}"))),
        ["tokens"] = ("POST", "/detokenize", () => Object("tokens", List("-1"))),
        ["unknown fields"] = ("POST", "/v1/evaluations", () => Names()),
        ["unknown field"] = ("POST", "/v1/evaluations", () => $$"""{"{{Long}}": 1}"""),
        ["evaluated adapters"] = ("POST", "/v1/evaluations", () => $$"""{"file": "file-1", "adapters": {{List($"\"{Marker} \"")}}}"""),
        ["evaluated adapter"] = ("POST", "/v1/evaluations", () => $$"""{"file": "file-1", "adapters": ["{{Long}}"]}"""),
        ["file"] = ("POST", "/v1/evaluations", () => $$"""{"file": "{{Long}}", "adapters": ["sql"]}"""),
        ["ranks"] = ("POST", "/v1/rank_studies", () => $$"""{"training_file": "file-1", "test_file": "file-2", "ranks": {{List("-1")}}}"""),
        ["unknown fields of a part"] = ("POST", "/v1/fine_tuning/jobs", () => Training(Names())),
        ["rank_pattern"] = ("POST", "/v1/fine_tuning/jobs", () => Training(Object("rank_pattern", Names("-1")))),
        ["alpha_pattern"] = ("POST", "/v1/fine_tuning/jobs", () => Training(Object("alpha_pattern", Names("-1")))),
        ["suffix"] = ("POST", "/v1/fine_tuning/jobs", () => $$"""{"model": "loraserve-demo", "training_file": "file-1", "suffix": "{{Long}}"}"""),
        ["split"] = ("PATCH", "/v1/adapters/sql", () => Object("split", Names("-1"))),
        ["split of wrong types"] = ("PATCH", "/v1/adapters/sql", () => Object("split", Names("\"a\""))),
        ["mix"] = ("PUT", "/v1/adapters/mixed/mix", () => Object("adapters", List($$"""{"name": "{{Marker}} ", "weight": 1}"""))),
        ["conditions"] = ("POST", "/v1/fine_tuning/jobs/ftjob-1/promote", () => Object("if", Names("\"a\""))),
        ["condition"] = ("POST", "/v1/fine_tuning/jobs/ftjob-1/promote", () => Object("if", Object("loss", $"\"{Long}\""))),
        ["adapter to load"] = ("POST", "/v1/load_lora_adapter", () => $$"""{"lora_name": "{{Long}}", "lora_path": "/"}"""),
        ["adapter to unload"] = ("POST", "/v1/unload_lora_adapter", () => $$"""{"lora_name": "{{Long}}"}"""),
    };

    /// <summary>What is wrong in each.</summary>
    public static TheoryData<string> Requests => [.. All.Keys];

    // Longer than any message may be.
    private static string Long => Marker + new string('x', 1 << 20);

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task Send_FaultsWithoutEnd_AreRefusedShortly(string faults)
    {
        var (method, path, body) = All[faults];
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = new StringContent(body(), Encoding.UTF8) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");

        using var response = await server.Client.SendAsync(request);

        var bytes = await response.Content.ReadAsByteArrayAsync();
        ((int)response.StatusCode).ShouldBeInRange(400, 499, $"{faults}: {Encoding.UTF8.GetString(bytes.AsSpan(0, Math.Min(bytes.Length, 1000)))}");
        bytes.Length.ShouldBeLessThan(MostBytes);
        var error = JsonSerializer.Deserialize<JsonElement>(bytes).GetProperty("error");
        error.GetProperty("message").GetString()!.Split("; ").Length.ShouldBeLessThanOrEqualTo(3 * 20);
        (error.GetProperty("param").GetString() ?? "").Length.ShouldBeLessThan(1000);
    }

    private static string Object(string name, string value) => $$"""{"{{name}}": {{value}}}""";

    private static string List(string item) => $"[{string.Join(',', Enumerable.Repeat(item, Count))}]";

    private static string Names(string value = "1", string start = Marker) =>
        "{" + string.Join(',', Enumerable.Range(0, Count).Select(i => $"\"{start}{i}\": {value}")) + "}";

    private static string Training(string lora) =>
        $$"""
        {"model": "loraserve-demo", "training_file": "file-1",
         "method": {"type": "supervised", "supervised": {{Object("hyperparameters", Object("lora", lora))}} } }
        """;
}
