using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using LoraServe.Tests.Hosting;

namespace LoraServe.Tests.Api.Requests;

/// <summary>Whatever a client sends: the answer says what is wrong, and the next client does not notice.</summary>
public class MalformedRequestTests(MalformedRequestTests.SmallServer server) : IClassFixture<MalformedRequestTests.SmallServer>
{
    private const int Count = 1000;
    private const ulong Seed = 20_261;

    // What Kestrel answers by itself, without a body, because it cannot tell what the request is.
    private static readonly int[] NotHttp = [400, 408, 411, 413, 414, 417, 431, 501, 505];

    [Fact]
    public async Task Send_ThousandMalformedRequests_AreAnsweredInOpenAIsShapeAndTheNextWorks()
    {
        var statuses = new ConcurrentDictionary<string, int>();

        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(Count).WithReplay(Seed, 1),
            Prop.ForAll(MalformedRequest.Generator($"Authorization: Bearer {SmallServer.Key}").ToArbitrary(), request =>
            {
                var outcome = SendAsync(request).GetAwaiter().GetResult();
                statuses.AddOrUpdate(outcome, 1, (_, count) => count + 1);
            }));

        var counts = statuses.OrderBy(status => status.Key, StringComparer.Ordinal).Select(status => $"{status.Key}: {status.Value}");
        TestContext.Current.TestOutputHelper!.WriteLine(string.Join(", ", counts));
        statuses.Values.Sum().ShouldBe(Count);
        // Most of them are about the API and not about HTTP.
        statuses.Where(status => !status.Key.Contains("Kestrel")).Sum(status => status.Value).ShouldBeGreaterThan(Count * 3 / 4);
        using var response = await server.Client.GetAsync("/readyz");
        response.IsSuccessStatusCode.ShouldBeTrue();
    }

    private async Task<string> SendAsync(MalformedRequest request)
    {
        var response = await RawHttp.SendAsync(server.Client.BaseAddress!, request.Bytes, request.IsCut);
        var outcome = Judge(request, response);
        using var next = await server.PostAsync("/v1/completions", """{"prompt": [1, 2, 3], "max_tokens": 1}""");
        next.IsSuccessStatusCode.ShouldBeTrue(await next.Content.ReadAsStringAsync());
        return outcome;
    }

    private static string Judge(MalformedRequest request, RawResponse response)
    {
        // Who goes away in the middle of a request is not there for an answer.
        if (response.Status is not { } status)
        {
            request.IsCut.ShouldBeTrue("there was no answer");
            return "gone";
        }

        if (!response.Headers.ContainsKey("x-request-id"))
        {
            status.ShouldBeOneOf(NotHttp);
            response.Body.ShouldBeEmpty();
            return $"{status} of Kestrel";
        }

        status.ShouldBeLessThan(500, response.Body);
        if (status < 400 || request.Bytes.AsSpan().StartsWith("HEAD"u8)) return $"{status}";
        response.Headers.GetValueOrDefault("content-type").ShouldBe("application/json; charset=utf-8");
        var error = JsonSerializer.Deserialize<JsonElement>(response.Body).GetProperty("error");
        error.EnumerateObject().Select(field => field.Name).ShouldBe(["message", "type", "param", "code"]);
        error.GetProperty("message").GetString().ShouldNotBeNullOrWhiteSpace();
        error.GetProperty("type").GetString().ShouldNotBeNullOrWhiteSpace();
        return $"{status}";
    }

    /// <summary>The golden checkpoint, with an adapter that can be changed, and little of everything.</summary>
    public sealed class SmallServer : LoraServeServer
    {
        /// <summary>May do everything, and stays so whatever keys the requests make.</summary>
        public const string Key = "ls-the-key-of-the-tests-that-may-do-everything";

        private readonly string _keyFile;

        public SmallServer()
            : this(Path.GetTempFileName())
        {
        }

        private SmallServer(string keyFile)
            : base(Settings(
                ("Model", Repository.EngineGolden("checkpoints", "llama-gqa")),
                ("MaxModelLen", "64"),
                ("MaxRequestSize", "1"),
                ("MaxUploadSize", "1"),
                ("KvCacheMemory", "16"),
                ("AdminKeyFile", keyFile)))
        {
            _keyFile = keyFile;
            File.WriteAllText(keyFile, Key);
        }

        public override async ValueTask InitializeAsync()
        {
            await base.InitializeAsync();
            Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);
            await using var archive = new MemoryStream();
            await ZipFile.CreateFromDirectoryAsync(Repository.EngineGolden("adapters", "llama-gqa", "all-linear-r8"), archive);
            using var response = await Client.PutAsync("/v1/adapters/known", new ByteArrayContent(archive.ToArray()));
            response.EnsureSuccessStatusCode();
        }

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            File.Delete(_keyFile);
        }
    }
}
