using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using LoraServe.Keys;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace LoraServe.Tests.Keys;

/// <summary>Every route of the server with every kind of caller. A route without a row in the table fails.</summary>
[Collection(nameof(KeyedServer))]
public sealed partial class AuthorizationMatrixTests(KeyedServer server, ITestOutputHelper output) : IAsyncLifetime
{
    private const string Foreign = "foreign-1";
    private const string Missing = "missing-1";
    private const string Chat = """
        {"messages": [{"role": "user", "content": "a"}], "max_tokens": 1, "model": "NAME", "chat_template": "{{ messages[0].content }}"}
        """;

    private const string Parts = """{"adapters": [{"name": "NAME"}]}""";

    // What each route needs, and what it answers about an adapter that the caller may not use.
    private static readonly Dictionary<string, Row> Table = new()
    {
        ["GET /"] = Open,
        ["GET /livez"] = Open,
        ["GET /readyz"] = Open,
        ["GET /version"] = Open,
        ["GET /health"] = Open,
        ["GET /ping"] = Open,
        ["POST /ping"] = Open,
        ["GET /load"] = Open,
        ["POST /tokenize"] = new(KeyScope.Infer, 404, """{"prompt": "a", "model": "NAME"}"""),
        ["POST /detokenize"] = new(KeyScope.Infer, 404, """{"tokens": [1], "model": "NAME"}"""),
        ["POST /v1/load_lora_adapter"] = new(KeyScope.AdaptersWrite, 403, """{"lora_name": "NAME", "lora_path": "x", "load_inplace": true}"""),
        ["POST /v1/unload_lora_adapter"] = new(KeyScope.AdaptersWrite, 404, """{"lora_name": "NAME"}"""),
        ["GET /openapi/{documentName}.json"] = Open,
        ["GET /metrics"] = new(KeyScope.AdaptersRead, 403),
        ["POST /v1/completions"] = new(KeyScope.Infer, 404, """{"prompt": "a", "max_tokens": 1, "model": "NAME"}"""),
        ["POST /v1/chat/completions"] = new(KeyScope.Infer, 404, Chat),
        ["POST /v1/compare"] = new(KeyScope.Infer, 404, """{"prompt": "a", "max_tokens": 1, "adapters": ["NAME"], "include_base": false}"""),
        ["GET /v1/models"] = new(KeyScope.Infer, 200),
        ["GET /v1/models/{**id}"] = new(KeyScope.Infer, 404),
        ["POST /v1/models/{id}/verify"] = new(KeyScope.Admin, 404),
        ["POST /v1/models/{organization}/{id}/verify"] = new(KeyScope.Admin, 404),
        ["GET /v1/adapters"] = new(KeyScope.AdaptersRead, 200),
        ["POST /v1/adapters"] = new(KeyScope.AdaptersWrite, 403, IsForm: true),
        ["GET /v1/adapters/{name}"] = new(KeyScope.AdaptersRead, 404),
        ["PUT /v1/adapters/{name}"] = new(KeyScope.AdaptersWrite, 403, "no archive"),
        ["PATCH /v1/adapters/{name}"] = new(KeyScope.AdaptersWrite, 404, """{"pinned": false}"""),
        ["DELETE /v1/adapters/{name}"] = new(KeyScope.AdaptersWrite, 404),
        ["GET /v1/adapters/{name}/versions"] = new(KeyScope.AdaptersRead, 404),
        ["POST /v1/adapters/{name}/rollback"] = new(KeyScope.AdaptersWrite, 404),
        ["PUT /v1/adapters/{name}/mix"] = new(KeyScope.AdaptersWrite, 403, Parts),
        ["POST /v1/adapters/{name}/merge"] = new(KeyScope.AdaptersWrite, 404),
        ["POST /v1/adapters/{name}/unmerge"] = new(KeyScope.AdaptersWrite, 404),
        ["GET /v1/adapters/{name}/effect"] = new(KeyScope.AdaptersRead, 404),
        ["GET /v1/adapters/{name}/archive"] = new(KeyScope.AdaptersRead, 404),
        ["POST /v1/adapters/{name}/truncate"] = new(KeyScope.AdaptersWrite, 404, """{"rank": 1}"""),
        ["GET /v1/files"] = new(KeyScope.Train, 200),
        ["POST /v1/files"] = new(KeyScope.Train, 400, IsForm: true),
        ["GET /v1/files/{id}"] = new(KeyScope.Train, 404),
        ["GET /v1/files/{id}/content"] = new(KeyScope.Train, 404),
        ["DELETE /v1/files/{id}"] = new(KeyScope.Train, 404),
        ["GET /v1/fine_tuning/jobs"] = new(KeyScope.Train, 200),
        ["POST /v1/fine_tuning/jobs"] = new(KeyScope.Train, 403, """{"model": "llama-gqa", "training_file": "file-1", "suffix": "NAME"}"""),
        ["GET /v1/fine_tuning/jobs/{id}"] = new(KeyScope.Train, 404),
        ["DELETE /v1/fine_tuning/jobs/{id}"] = new(KeyScope.Train, 404),
        ["GET /v1/fine_tuning/jobs/{id}/archive"] = new(KeyScope.Train, 404),
        ["POST /v1/fine_tuning/jobs/{id}/cancel"] = new(KeyScope.Train, 404),
        ["POST /v1/fine_tuning/jobs/{id}/pause"] = new(KeyScope.Train, 404),
        ["POST /v1/fine_tuning/jobs/{id}/resume"] = new(KeyScope.Train, 404),
        ["GET /v1/fine_tuning/jobs/{id}/events"] = new(KeyScope.Train, 404),
        ["GET /v1/fine_tuning/jobs/{id}/checkpoints"] = new(KeyScope.Train, 404),
        ["POST /v1/fine_tuning/jobs/{id}/promote"] = new(KeyScope.Train, 404, """{"alias": "NAME"}""", Also: KeyScope.AdaptersWrite),
        ["POST /v1/fine_tuning/jobs/{id}/checkpoints/{checkpoint}/promote"] =
            new(KeyScope.Train, 404, """{"alias": "NAME"}""", Also: KeyScope.AdaptersWrite),
        ["GET /v1/evaluations"] = new(KeyScope.Train, 200),
        ["POST /v1/evaluations"] = new(KeyScope.Train, 404, """{"adapters": ["NAME"], "file": "file-1"}"""),
        ["GET /v1/evaluations/{id}"] = new(KeyScope.Train, 404),
        ["DELETE /v1/evaluations/{id}"] = new(KeyScope.Train, 404),
        ["POST /v1/evaluations/{id}/cancel"] = new(KeyScope.Train, 404),
        ["GET /v1/keys"] = new(KeyScope.Admin, 200),
        ["POST /v1/keys"] = new(KeyScope.Admin, 400, "{}"),
        ["GET /v1/keys/{id}"] = new(KeyScope.Admin, 404),
        ["DELETE /v1/keys/{id}"] = new(KeyScope.Admin, 404),
        ["GET /v1/audit"] = new(KeyScope.Admin, 200),
        ["GET /v1/rank_studies"] = new(KeyScope.Train, 200),
        ["POST /v1/rank_studies"] = new(KeyScope.Train, 400, """{"training_file": "file-1", "test_file": "file-2"}"""),
        ["GET /v1/rank_studies/{id}"] = new(KeyScope.Train, 404),
        ["DELETE /v1/rank_studies/{id}"] = new(KeyScope.Train, 404),
        ["GET /v1/rank_studies/{id}/report.html"] = new(KeyScope.Train, 404),
        ["POST /v1/rank_studies/{id}/cancel"] = new(KeyScope.Train, 404),
    };

    private static Row Open => new(null, 0);

    public async ValueTask InitializeAsync() => await KeyedServer.PutAsync(server.Admin, Foreign);

    public async ValueTask DisposeAsync() => await server.Admin.DeleteAsync($"/v1/adapters/{Foreign}?force=true");

    [Fact]
    public async Task EveryRoute_EveryCaller_IsAnsweredByTheTable()
    {
        var (revoked, revokedText) = server.CreateKey();
        server.Keys.Revoke(revoked.Id, out _);
        var refused = new Dictionary<string, HttpClient>
        {
            ["no key"] = server.ClientOf(null),
            ["wrong key"] = server.ClientOf(KeySecret.Create().Text),
            ["text that is no key"] = server.ClientOf("unused"),
            ["revoked key"] = server.ClientOf(revokedText),
            ["expired key"] = server.ClientWith(grant => grant with { Expires = DateTimeOffset.UnixEpoch }),
        };
        var allowed = Clients(grant => grant);
        // It may use one adapter that exists, so that a refusal is about the other one.
        var foreign = Clients(grant => grant with { Adapters = KeyedServer.Patterns("own-*"), AllowsBase = false });
        var routes = Routes();
        routes.Where(route => !Table.ContainsKey(route)).ShouldBeEmpty("these routes have no row in the table");
        Table.Keys.Except(routes).ShouldBeEmpty("these rows have no route");
        var faults = new List<string>();
        var combinations = 0;

        foreach (var route in routes)
        {
            var row = Table[route];
            foreach (var (caller, client) in refused)
                Expect(route, caller, (await SendAsync(client, route, row, Missing)).Status, row.Scope is null ? IsLetIn : status => status == 401);
            foreach (var scope in Enum.GetValues<KeyScope>())
            {
                var isGranted = row.Scope is null || (scope == row.Scope && row.Also is null) || scope == KeyScope.Admin;
                var (status, text) = await SendAsync(allowed[scope], route, row, Missing);
                Expect(route, $"{scope.Name()}, all adapters", status, isGranted ? IsLetIn : IsMissingScope(text));

                var existing = await SendAsync(foreign[scope], route, row, Foreign);
                var missing = await SendAsync(foreign[scope], route, row, Missing);
                Expect(
                    route,
                    $"{scope.Name()}, foreign adapter",
                    existing.Status,
                    !isGranted ? IsMissingScope(existing.Text) : row.Scope is null ? IsLetIn : status => status == row.Foreign);
                // Lists are as long as they would be without it, and errors read the same.
                if (!route.StartsWith("GET /metrics", StringComparison.Ordinal) && row.Scope is not null && isGranted
                    && Comparable(existing.Text, Foreign) != Comparable(missing.Text, Missing) && !route.Contains("audit", StringComparison.Ordinal))
                {
                    faults.Add($"{route} ({scope.Name()}) tells a foreign adapter from one that does not exist: {existing.Text} / {missing.Text}");
                }

                if (isGranted && row.Scope is not null && !route.Contains("audit", StringComparison.Ordinal) && WithoutEcho(existing.Text).Contains(Foreign, StringComparison.Ordinal))
                    faults.Add($"{route} ({scope.Name()}) shows a foreign adapter: {existing.Text}");
            }
        }

        output.WriteLine($"{combinations} combinations of {routes.Count} routes and {refused.Count + (2 * allowed.Count)} callers checked");
        faults.ShouldBeEmpty($"{faults.Count} of {combinations} combinations are wrong");
        combinations.ShouldBe(routes.Count * (refused.Count + (2 * allowed.Count)));

        void Expect(string route, string caller, int status, Func<int, bool> isExpected)
        {
            combinations++;
            if (!isExpected(status)) faults.Add($"{route} with {caller}: {status}");
        }
    }

    // Each of the two requests is a use of its key, and a second may end between them.
    private static string Comparable(string text, string name) => LastUse().Replace(text.Replace(name, "X"), "");

    // A refusal repeats the name that was asked for.
    private static string WithoutEcho(string text) => text.Replace($"'{Foreign}'", "").Replace($"`{Foreign}`", "").Replace($"`org/{Foreign}`", "").Replace($"'org/{Foreign}'", "").Replace($":{Foreign}'", "");

    private static bool IsLetIn(int status) => status is < 500 and not (401 or 403);

    private static Func<int, bool> IsMissingScope(string text) => status => status == 403 && text.Contains("missing_scope", StringComparison.Ordinal);

    private Dictionary<KeyScope, HttpClient> Clients(Func<NewKey, NewKey> change) =>
        Enum.GetValues<KeyScope>().ToDictionary(scope => scope, scope => server.ClientWith(grant => change(grant) with { Scopes = [scope] }));

    private List<string> Routes() =>
    [
        .. from endpoint in server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
           from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]
           select $"{method} /{endpoint.RoutePattern.RawText!.Trim('/')}",
    ];

    private static async Task<(int Status, string Text)> SendAsync(HttpClient client, string route, Row row, string name)
    {
        var (method, path) = (route.Split(' ')[0], route.Split(' ')[1]);
        path = path.Replace("{name}", name).Replace("{**id}", name).Replace("{id}", name).Replace("{organization}", "org").Replace("{documentName}", "v1").Replace("{checkpoint}", "1");
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (row.IsForm)
            request.Content = new MultipartFormDataContent { { new StringContent(name), "name" }, { new StringContent("no archive"), "file", "a.zip" } };
        else if (row.Body is { } body)
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body.Replace("NAME", name)));
        using var response = await client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
        {
            var error = JsonSerializer.Deserialize<JsonElement>(text).GetProperty("error");
            var isShape = error.EnumerateObject().Select(field => field.Name).SequenceEqual(["message", "type", "param", "code"]);
            isShape.ShouldBeTrue(text);
            (response.Headers.WwwAuthenticate.Count > 0).ShouldBe(response.StatusCode == HttpStatusCode.Unauthorized, route);
        }

        return ((int)response.StatusCode, text);
    }

    [GeneratedRegex("\"last_use\":[0-9]+", RegexOptions.NonBacktracking)]
    private static partial Regex LastUse();

    /// <param name="Scope">Null: no key is needed.</param>
    /// <param name="Foreign">The status for a caller with the scope that may not use the adapter.</param>
    /// <param name="Body">NAME is replaced by the adapter's name.</param>
    /// <param name="IsForm">Whether the body is a form with the name.</param>
    /// <param name="Also">A second scope that is needed.</param>
    private sealed record Row(KeyScope? Scope, int Foreign, string? Body = null, bool IsForm = false, KeyScope? Also = null);
}
