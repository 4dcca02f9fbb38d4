using LoraServe.Keys;
using LoraServe.Keys.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Tests.Keys;

public sealed class KeyRingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("loraserve-").FullName;
    private readonly ManualTime _time = new();
    private readonly List<IDisposable> _open = [];

    public void Dispose()
    {
        foreach (var opened in Enumerable.Reverse(_open)) opened.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Create_Key_IsAuthenticatedByItsTextAlone()
    {
        var keys = Open();

        var (key, text) = keys.Create(Grant("one"));

        text.ShouldStartWith($"ls-{key.Id}-");
        text.Length.ShouldBe(59);
        keys.Authenticate(text).Key!.Id.ShouldBe(key.Id);
        keys.Authenticate(text[..^1] + (text[^1] == 'A' ? 'B' : 'A')).Key.ShouldBeNull();
        keys.Authenticate(key.Id).Key.ShouldBeNull();
        keys.Authenticate("").Key.ShouldBeNull();
    }

    [Fact]
    public void Create_Key_LeavesNothingOfItsTextOnTheDisk()
    {
        var (_, text) = Open().Create(Grant("one"));
        foreach (var opened in Enumerable.Reverse(_open)) opened.Dispose();
        _open.Clear();

        foreach (var file in Directory.GetFiles(_folder))
            File.ReadAllText(file, System.Text.Encoding.Latin1).ShouldNotContain(text[^43..]);
    }

    [Fact]
    public void Create_ManyKeys_AllDiffer()
    {
        var texts = Enumerable.Range(0, 1000).Select(_ => KeySecret.Create().Text).ToList();

        texts.Distinct().Count().ShouldBe(1000);
        texts.ShouldAllBe(text => KeySecret.FindId(text) == text.Substring(3, 12));
    }

    [Fact]
    public void Open_AfterARestart_FindsEverythingAgain()
    {
        var grant = Grant("all of it") with
        {
            Scopes = [KeyScope.Infer, KeyScope.AdaptersWrite],
            Adapters = [AdapterPattern.TryParse("a-*")!, AdapterPattern.TryParse("b")!],
            AllowsBase = false,
            Expires = ManualTime.Start.AddDays(1),
            Limits = new KeyLimits { RequestsPerMinute = 1, TokensPerMinute = 2, ConcurrentRequests = 3, Adapters = 4, AdapterBytes = 5_000_000_000 },
        };
        var (key, text) = Open().Create(grant);

        var found = Open().Authenticate(text).Key!;

        found.Grant.Scopes.ShouldBe(grant.Scopes, ignoreOrder: true);
        found.Grant.Adapters.Select(pattern => pattern.Text).ShouldBe(["a-*", "b"]);
        (found.Id, found.Created, found.Grant.AllowsBase, found.Grant.Expires, found.Grant.Limits)
            .ShouldBe((key.Id, ManualTime.Start, false, grant.Expires, grant.Limits));
    }

    [Fact]
    public void Authenticate_KeyThatAnotherProcessMadeAndRevoked_FollowsAtOnce()
    {
        var server = Open();
        server.HasKeys.ShouldBeFalse();

        var (key, text) = Open().Create(Grant("from outside"));
        var made = server.Authenticate(text);
        Open().Revoke(key.Id);
        var revoked = server.Authenticate(text);

        made.Key.ShouldNotBeNull();
        revoked.Key.ShouldBeNull();
        revoked.Refusal!.ShouldContain("revoked");
        server.HasKeys.ShouldBeTrue();
    }

    [Fact]
    public void Authenticate_ExpiredKey_IsRefusedFromTheMomentOn()
    {
        var keys = Open();
        var (_, text) = keys.Create(Grant("short") with { Expires = ManualTime.Start.AddSeconds(10) });

        _time.Advance(TimeSpan.FromSeconds(9));
        keys.Authenticate(text).Key.ShouldNotBeNull();
        _time.Advance(TimeSpan.FromSeconds(1));
        keys.Authenticate(text).Refusal!.ShouldContain("expired");
    }

    [Fact]
    public void Authenticate_Use_IsRememberedAcrossARestart()
    {
        var keys = Open();
        var (key, text) = keys.Create(Grant("used"));
        keys.Find(key.Id)!.LastUse.ShouldBeNull();

        _time.Advance(TimeSpan.FromHours(1));
        keys.Authenticate(text);
        keys.Dispose();

        Open().Find(key.Id)!.LastUse.ShouldBe(ManualTime.Start.AddHours(1));
    }

    [Fact]
    public void Revoke_UnknownId_IsNull() => Open().Revoke("000000000000").ShouldBeNull();

    private static NewKey Grant(string name) =>
        new() { Name = name, Scopes = [KeyScope.Infer], Adapters = [AdapterPattern.TryParse("*")!], AllowsBase = true };

    private KeyRing Open()
    {
        var database = KeyDatabase.Open(_folder);
        var keys = new KeyRing(database, _time, NullLogger<KeyRing>.Instance);
        _open.AddRange([database, keys]);
        return keys;
    }
}
