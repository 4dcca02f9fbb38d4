using LoraServe.Audit;
using LoraServe.Keys;
using LoraServe.Keys.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
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
        Close();

        foreach (var file in Directory.GetFiles(_folder))
            File.ReadAllText(file, System.Text.Encoding.Latin1).ShouldNotContain(text[^43..]);
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("emptied")]
    [InlineData("without rows")]
    public void CheckNotLost_KeysAreGone_RefusesUntilThereIsAKeyAgain(string damage)
    {
        Open().Create(Grant("one"));
        Close();
        Damage(damage);

        var lost = Open();
        var refusal = Should.Throw<IOException>(lost.CheckNotLost).Message;

        lost.HasKeys.ShouldBeTrue();
        refusal.ShouldContain("keys create");
        refusal.ShouldContain("keys.db");
        lost.Create(Grant("two"));
        lost.CheckNotLost();
    }

    [Fact]
    public void HasKeys_EmptiedWhileTheServerRuns_StaysTrue()
    {
        var keys = Open();
        keys.Create(Grant("one"));
        using (var other = KeyDatabase.Open(_folder)) other.WriteKeys(context => context.Keys.ExecuteDelete());

        keys.HasKeys.ShouldBeTrue();
    }

    [Fact]
    public void CheckNotLost_KeysOfAnEarlierRelease_AreRememberedFromNowOn()
    {
        Open().Create(Grant("one"));
        Close();
        var marker = Path.Combine(_folder, "had-keys");
        File.Delete(marker);

        Open().CheckNotLost();

        File.Exists(marker).ShouldBeTrue();
        if (!OperatingSystem.IsWindows()) File.GetUnixFileMode(marker).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public void CheckNotLost_FolderThatNeverHadKeys_IsOpen()
    {
        var keys = Open();

        keys.CheckNotLost();

        keys.HasKeys.ShouldBeFalse();
        File.Exists(Path.Combine(_folder, "had-keys")).ShouldBeFalse();
    }

    [Fact]
    public void Create_FirstKeyCannotBeStored_LeavesTheFolderWithoutKeys()
    {
        var keys = Open();
        Corrupt("CREATE TRIGGER Full BEFORE INSERT ON Keys BEGIN SELECT RAISE(ABORT, 'full'); END");

        Should.Throw<IOException>(() => keys.Create(Grant("one")));

        keys.HasKeys.ShouldBeFalse();
        File.Exists(Path.Combine(_folder, "had-keys")).ShouldBeFalse();
        Corrupt("DROP TRIGGER Full");
        keys.Create(Grant("one"));
        keys.HasKeys.ShouldBeTrue();
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
        Open().Revoke(key.Id, out _);
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

    [Theory]
    [InlineData("Scopes", "'not JSON'")]
    [InlineData("Adapters", "'[null]'")]
    [InlineData("Created", "'yesterday'")]
    public void Authenticate_BesideARowThatCannotBeRead_KnowsTheOthers(string column, string value)
    {
        var keys = Open();
        var (broken, brokenText) = keys.Create(Grant("broken"));
        Corrupt($"UPDATE Keys SET {column} = {value} WHERE Id = '{broken.Id}'");
        var alone = Open();
        var isKeyed = alone.HasKeys;
        var (_, text) = keys.Create(Grant("whole"));

        isKeyed.ShouldBeTrue();
        keys.Authenticate(text).Key.ShouldNotBeNull();
        keys.Authenticate(brokenText).Key.ShouldBeNull();
        keys.List().Count.ShouldBe(1);
    }

    [Fact]
    public async Task Authenticate_WhileAnotherProcessWrites_WaitsForNothing()
    {
        var keys = Open();
        var (_, text) = keys.Create(Grant("one"));
        using var other = new SqliteConnection($"Data Source={Path.Combine(_folder, "keys.db")};Pooling=False");
        other.Open();
        using var transaction = other.BeginTransaction();

        var writing = Task.Run(() => Should.Throw<IOException>(() => keys.Create(Grant("two"))));
        while (!writing.IsCompleted) keys.Authenticate(text).Key.ShouldNotBeNull();

        (await writing).Message.ShouldContain("keys.db");
    }

    [Fact]
    public void Open_LockOfAMigrationThatWasKilled_StartsAllTheSame()
    {
        var (key, _) = Open().Create(Grant("one"));
        Corrupt("CREATE TABLE IF NOT EXISTS __EFMigrationsLock (Id INTEGER PRIMARY KEY, Timestamp TEXT NOT NULL); "
            + "INSERT OR REPLACE INTO __EFMigrationsLock VALUES (1, '2026-01-01')");

        Open().Find(key.Id).ShouldNotBeNull();
    }

    [Fact]
    public void Open_FileThatIsNoDatabase_SaysSo()
    {
        File.WriteAllText(Path.Combine(_folder, "keys.db"), new string('x', 5000));

        Should.Throw<IOException>(Open).Message.ShouldContain("keys.db");
    }

    [Fact]
    public void OpenExisting_FolderWithoutKeys_MakesNothing()
    {
        var folder = Path.Combine(_folder, "mistyped");

        Should.Throw<IOException>(() => KeyDatabase.OpenExisting(folder)).Message.ShouldContain("--data");
        Directory.Exists(folder).ShouldBeFalse();
    }

    [Fact]
    public void Record_MoreChangesThanAreKept_DropsTheOldest()
    {
        using var database = KeyDatabase.Open(_folder);
        var audit = new AuditLog(database, _time, NullLogger<AuditLog>.Instance, most: 5);

        for (var i = 0; i < 12; i++) audit.Record(Caller.CommandLine, AuditAction.KeyCreated, $"{i}");

        audit.List(before: null, limit: 100).Select(row => row.Target).ShouldBe(["11", "10", "9", "8", "7"]);
    }

    [Fact]
    public void Revoke_Twice_IsOneChange()
    {
        var keys = Open();
        var (key, _) = keys.Create(Grant("one"));

        keys.Revoke(key.Id, out var first).ShouldNotBeNull();
        keys.Revoke(key.Id, out var second).ShouldNotBeNull();

        (first, second).ShouldBe((true, false));
    }

    [Fact]
    public void Revoke_UnknownId_IsNull() => Open().Revoke("000000000000", out _).ShouldBeNull();

    private void Damage(string damage)
    {
        if (damage == "without rows")
        {
            Corrupt("DELETE FROM Keys");
            return;
        }

        foreach (var file in Directory.GetFiles(_folder, "keys.db*"))
        {
            if (damage == "missing") File.Delete(file);
            else File.WriteAllBytes(file, []);
        }
    }

    private void Close()
    {
        foreach (var opened in Enumerable.Reverse(_open)) opened.Dispose();
        _open.Clear();
    }

    private void Corrupt(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(_folder, "keys.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

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
