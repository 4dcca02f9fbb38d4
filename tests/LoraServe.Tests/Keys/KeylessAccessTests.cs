using System.Net;
using System.Net.Http.Headers;
using LoraServe.Keys;
using LoraServe.Keys.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace LoraServe.Tests.Keys;

/// <summary>Who may do what as long as there is no key, and from then on.</summary>
public sealed class KeylessAccessTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("loraserve-").FullName;
    private readonly KeyDatabase _database;
    private readonly KeyRing _keys;

    public KeylessAccessTests()
    {
        _database = KeyDatabase.Open(_folder);
        _keys = new KeyRing(_database, TimeProvider.System, NullLogger<KeyRing>.Instance);
    }

    public void Dispose()
    {
        _keys.Dispose();
        _database.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("http://localhost:8080", true)]
    [InlineData("http://127.0.0.1:0;http://[::1]:80", true)]
    [InlineData("http://+:8080", false)]
    [InlineData("http://*:8080", false)]
    [InlineData("http://0.0.0.0:8080", false)]
    [InlineData("http://localhost:8080;http://10.0.0.1:8080", false)]
    [InlineData("http://example.com:80", false)]
    public void CheckAddresses_WithoutKeys_AllowsOnlyThisMachine(string urls, bool isAllowed)
    {
        var options = new LoraServeOptions { Urls = urls };

        if (isAllowed) Open(options).CheckAddresses(new ConfigurationBuilder().Build());
        else Should.Throw<OptionsValidationException>(() => Open(options).CheckAddresses(new ConfigurationBuilder().Build())).Message.ShouldContain("--allow-anonymous");
        Open(options with { AllowAnonymous = true }).CheckAddresses(new ConfigurationBuilder().Build());
        _keys.Create(KeyedServer.Grant);
        Open(options).CheckAddresses(new ConfigurationBuilder().Build());
    }

    [Fact]
    public void CheckAddresses_AdminKeyFile_Suffices()
    {
        var path = Path.Combine(_folder, "key");
        File.WriteAllText(path, $"{KeySecret.Create().Text}\n");

        Open(new LoraServeOptions { Urls = "http://+:80", AdminKeyFile = path }).CheckAddresses(new ConfigurationBuilder().Build());
    }

    [Theory]
    [InlineData("short")]
    [InlineData("two words, and long enough to be a key otherwise")]
    public void Read_FileWithoutAKey_IsRefused(string text)
    {
        var path = Path.Combine(_folder, "key");
        File.WriteAllText(path, text);

        Should.Throw<OptionsValidationException>(() => AdminKey.Read(path)).Message.ShouldContain("--admin-key-file");
        Should.Throw<OptionsValidationException>(() => AdminKey.Read(path + "2")).Message.ShouldContain("--admin-key-file");
    }

    [Theory]
    [InlineData("127.0.0.1", "localhost:8080", null, true)]
    [InlineData("::1", "127.0.0.1:8080", null, true)]
    [InlineData("127.0.0.1", "localhost:8080", "http://localhost:8080", true)]
    [InlineData("127.0.0.1", "localhost:8080", "https://app.example.com", true)]
    [InlineData("127.0.0.1", "localhost:8080", "https://evil.example", false)]
    [InlineData("127.0.0.1", "localhost:8080", "null", false)]
    [InlineData("127.0.0.1", "evil.example:8080", null, false)]
    [InlineData("10.0.0.1", "localhost:8080", null, false)]
    public void Admit_WithoutKeys_LetsInOnlyThisMachine(string remote, string host, string? origin, bool isAllowed)
    {
        var context = Context(remote, host, origin);

        var (caller, refusal) = Open(new LoraServeOptions { CorsOrigins = "https://app.example.com" }).Admit(context);

        (caller is not null).ShouldBe(isAllowed, refusal);
    }

    [Theory]
    [InlineData("HTTP/1.0", false, false)]
    [InlineData("HTTP/1.1", false, true)]
    [InlineData("HTTP/2", false, true)]
    [InlineData("HTTP/1.0", true, true)]
    public void Admit_OldProtocol_MayBeAProxy(string protocol, bool allowsAnonymous, bool isAllowed)
    {
        var context = Context("127.0.0.1", "localhost:8080", null);
        context.Request.Protocol = protocol;

        var (caller, refusal) = Open(new LoraServeOptions { AllowAnonymous = allowsAnonymous }).Admit(context);

        (caller is not null).ShouldBe(isAllowed, refusal);
        if (!isAllowed) refusal!.ShouldContain("HTTP/1.0");
    }

    [Fact]
    public void Admit_OnceThereIsAKey_NeedsOne()
    {
        var (key, _) = _keys.Create(KeyedServer.Grant);
        _keys.Revoke(key.Id, out _);

        // A key that was taken back must not open the server again.
        Open(new LoraServeOptions()).Admit(Context("127.0.0.1", "localhost", null)).Caller.ShouldBeNull();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Admit_AllowAnonymous_GivesEverythingButAdmin(bool hasKeys)
    {
        if (hasKeys) _keys.Create(KeyedServer.Grant);

        var caller = Open(new LoraServeOptions { AllowAnonymous = true }).Admit(Context("10.0.0.1", "loraserve", null)).Caller!;

        caller.Scopes.ShouldBe([KeyScope.Infer, KeyScope.AdaptersRead, KeyScope.AdaptersWrite, KeyScope.Train], ignoreOrder: true);
    }

    [Theory]
    [InlineData(true, "Origin", "http://localhost:8080", true)]
    [InlineData(true, "Origin", "https://localhost:8080", true)]
    [InlineData(true, "Origin", "https://evil.example", false)]
    [InlineData(true, "Origin", "null", false)]
    [InlineData(true, "Sec-Fetch-Site", "cross-site", false)]
    [InlineData(true, "Sec-Fetch-Site", "none", true)]
    [InlineData(true, "X-Forwarded-For", "10.0.0.1", true)]
    [InlineData(false, "Sec-Fetch-Site", "cross-site", false)]
    [InlineData(false, "X-Forwarded-For", "10.0.0.1", false)]
    [InlineData(false, "Forwarded", "for=10.0.0.1", false)]
    [InlineData(false, "Via", "1.1 proxy", false)]
    public void Admit_HeadersOfForeignPagesAndProxies_NeedAKey(bool allowsAnonymous, string header, string value, bool isAllowed)
    {
        var context = Context("127.0.0.1", "localhost:8080", null);
        context.Request.Headers[header] = value;

        var (caller, refusal) = Open(new LoraServeOptions { AllowAnonymous = allowsAnonymous }).Admit(context);

        (caller is not null).ShouldBe(isAllowed, refusal);
    }

    [Theory]
    [InlineData("http://localhost:9000", true)]
    [InlineData("http://0.0.0.0:9000", false)]
    [InlineData("https://*:443", false)]
    [InlineData("", false)]
    public void CheckAddresses_EndpointOfTheConfiguration_CountsLikeUrls(string url, bool isAllowed)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["Kestrel:Endpoints:Other:Url"] = url }).Build();
        var access = Open(new LoraServeOptions());

        if (isAllowed) access.CheckAddresses(configuration);
        else Should.Throw<OptionsValidationException>(() => access.CheckAddresses(configuration));
    }

    private KeylessAccess Open(LoraServeOptions options) => new(options, _keys, AdminKey.Read(options.AdminKeyFile));

    private static DefaultHttpContext Context(string remote, string host, string? origin)
    {
        var context = new DefaultHttpContext();
        (context.Request.Scheme, context.Request.Host, context.Request.Protocol) = ("http", new HostString(host), "HTTP/1.1");
        (context.Connection.RemoteIpAddress, context.Connection.LocalIpAddress) = (IPAddress.Parse(remote), IPAddress.Loopback);
        if (origin is not null) context.Request.Headers.Origin = origin;
        return context;
    }
}

/// <summary>The same over HTTP.</summary>
public class KeylessServerTests(KeylessServerTests.FreshServer server) : IClassFixture<KeylessServerTests.FreshServer>
{
    [Fact]
    public async Task Get_BeforeAndAfterTheFirstKey_FollowsTheRule()
    {
        using var withoutKey = await server.Client.GetAsync("/v1/models");
        using var withPlaceholder = await SendAsync("unused");
        using var withRealKey = await SendAsync(KeySecret.Create().Text);
        using var http10 = await server.Client.SendAsync(new HttpRequestMessage(HttpMethod.Get, "/v1/models") { Version = HttpVersion.Version10 });
        using var verified = await server.Client.PostAsync("/v1/models/llama-gqa/verify", null);
        using var created = await server.Client.PostAsync("/v1/keys", new StringContent("""{"name": "first", "scopes": ["admin"]}"""));
        using var listed = await server.Client.GetAsync("/v1/keys");
        using var audit = await server.Client.GetAsync("/v1/audit");
        server.Services.GetRequiredService<KeyRing>().Create(KeyedServer.Grant);
        using var afterwards = await server.Client.GetAsync("/v1/models");
        using var placeholder = await SendAsync("unused");

        withoutKey.StatusCode.ShouldBe(HttpStatusCode.OK);
        withPlaceholder.StatusCode.ShouldBe(HttpStatusCode.OK);
        await LoraServeServer.ErrorAsync(withRealKey, 401);
        await LoraServeServer.ErrorAsync(http10, 401);
        verified.StatusCode.ShouldBe(HttpStatusCode.OK);
        foreach (var keyless in (HttpResponseMessage[])[created, listed, audit])
        {
            (await LoraServeServer.ErrorAsync(keyless, 401)).GetProperty("message").GetString()!.ShouldContain("keys create");
            keyless.Headers.WwwAuthenticate.ShouldNotBeEmpty();
        }

        await LoraServeServer.ErrorAsync(afterwards, 401);
        await LoraServeServer.ErrorAsync(placeholder, 401);
        (await server.Client.GetAsync("/readyz")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    private Task<HttpResponseMessage> SendAsync(string key)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return server.Client.SendAsync(request);
    }

    public sealed class FreshServer() : LoraServeServer(Settings(("Model", Repository.EngineGolden("checkpoints", "llama-gqa"))));
}
