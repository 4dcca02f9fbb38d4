using System.Collections.Immutable;
using System.IO.Compression;
using System.Net.Http.Headers;
using LoraServe.Keys;
using Microsoft.Extensions.DependencyInjection;

namespace LoraServe.Tests.Keys;

/// <summary>A tiny server that has keys, and clients that hold them.</summary>
public sealed class KeyedServer() : LoraServeServer(Settings(("Model", Repository.EngineGolden("checkpoints", "llama-gqa"))))
{
    private HttpClient? _admin;

    internal KeyRing Keys => Services.GetRequiredService<KeyRing>();

    /// <summary>A client that may do everything.</summary>
    internal HttpClient Admin => _admin ??= ClientOf(CreateKey().Text);

    internal static NewKey Grant { get; } = new()
    {
        Name = "test",
        Scopes = KeyScopes.All,
        Adapters = [AdapterPattern.TryParse("*")!],
        AllowsBase = true,
    };

    internal (ApiKey Key, string Text) CreateKey(Func<NewKey, NewKey>? change = null) => Keys.Create((change ?? (grant => grant))(Grant));

    internal HttpClient ClientWith(Func<NewKey, NewKey> change) => ClientOf(CreateKey(change).Text);

    internal HttpClient ClientOf(string? text)
    {
        var client = CreateClient();
        if (text is not null) client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", text);
        return client;
    }

    internal static ImmutableArray<AdapterPattern> Patterns(params IEnumerable<string> texts) => [.. texts.Select(text => AdapterPattern.TryParse(text)!)];

    /// <summary>A golden adapter as a zip.</summary>
    internal static ByteArrayContent Archive(string golden)
    {
        using var archive = new MemoryStream();
        ZipFile.CreateFromDirectory(Repository.EngineGolden("adapters", "llama-gqa", golden), archive);
        return new ByteArrayContent(archive.ToArray());
    }

    /// <summary>Uploads a golden adapter, which must be accepted.</summary>
    internal static async Task PutAsync(HttpClient client, string name, string golden = "attention-r4")
    {
        using var response = await client.PutAsync($"/v1/adapters/{name}?measure_effect=false", Archive(golden));
        response.IsSuccessStatusCode.ShouldBeTrue(await response.Content.ReadAsStringAsync());
    }
}

[CollectionDefinition(nameof(KeyedServer))]
public sealed class KeyedServerCollection : ICollectionFixture<KeyedServer>;
