using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Tests;
using Microsoft.Data.Sqlite;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters.Store;

/// <summary>Starts beside a registry that is not the one its files belong to: nothing is deleted, and the message says how to go on.</summary>
public sealed class RegistryDamageTests : IDisposable
{
    private readonly ManagedAdapters _adapters = new();
    private readonly TemporaryFolder _copies = new();

    private AdapterManager Manager => _adapters.Manager;

    private string Root => Path.Combine(_adapters.DataFolder, "adapters");

    private string Registry => Path.Combine(Root, "registry.db");

    public void Dispose()
    {
        _adapters.Dispose();
        _copies.Dispose();
    }

    [Theory]
    [InlineData("emptied")]
    [InlineData("removed")]
    [InlineData("removed with its generation")]
    [InlineData("older")]
    [InlineData("truncated")]
    [InlineData("garbage")]
    [InlineData("stranger")]
    [InlineData("generation")]
    [InlineData("damaged generation")]
    public async Task Open_RegistryIsNotThatOfTheFiles_IsRefusedAndRebuilt(string damage)
    {
        var one = await _adapters.Add("a", ManagedAdapters.One);
        _adapters.Restart(() => Copy("older"));
        var two = await _adapters.Add("a", ManagedAdapters.Two);
        await _adapters.Add("b", ManagedAdapters.Three);
        Manager.SaveMix("m", [new AdapterPart("a", 0.5), new AdapterPart("b", 0.5)]);
        Manager.Update("b", new AdapterPatch { Pinned = true });

        Should.Throw<IOException>(() => _adapters.Restart(() => Damage(damage))).Message.ShouldContain("--rebuild-registry");
        Directory.GetDirectories(Path.Combine(Root, "versions")).Length.ShouldBe(3);

        _adapters.Restart(static () => { }, rebuild: true);
        Manager.List().Select(info => info.Name).ShouldBe(["a", "b", "m"]);
        Manager.Versions("a").Select(version => version.Version).ShouldBe([two.Version, one.Version]);
        Manager.Find("b")!.Pinned.ShouldBeTrue();
        (await _adapters.Version("a")).ShouldBe(two.Version.Value);
        _adapters.Restart();
        Manager.List().Count.ShouldBe(3);
    }

    [Fact]
    public async Task Open_RegistryWithoutItsLog_IsRefused()
    {
        await _adapters.Add("a", ManagedAdapters.One);
        // As after a kill: closing would write the log into the database.
        File.Copy(Registry, Path.Combine(_copies.Path, "registry.db"));
        File.Exists($"{Registry}-wal").ShouldBeTrue();

        Should.Throw<IOException>(() => _adapters.Restart(() => Restore("."))).Message.ShouldContain("--rebuild-registry");

        Directory.GetDirectories(Path.Combine(Root, "versions")).Length.ShouldBe(1);
    }

    [Fact]
    public async Task Open_OlderRegistryWithItsGeneration_IsRefusedForTheNewerVersion()
    {
        await _adapters.Add("a", ManagedAdapters.One);
        _adapters.Restart(() => Copy("older"));
        Manager.Update("a", new AdapterPatch { Pinned = true });
        await _adapters.Add("a", ManagedAdapters.Two);

        Should.Throw<IOException>(() => _adapters.Restart(() =>
        {
            Restore("older");
            File.Copy(Path.Combine(_copies.Path, "older", "registry.generation"), Path.Combine(Root, "registry.generation"), overwrite: true);
        })).Message.ShouldContain("came later");

        Directory.GetDirectories(Path.Combine(Root, "versions")).Length.ShouldBe(2);
    }

    [Fact]
    public async Task Open_OlderRegistryWithItsGeneration_IsRefusedForTheNewerName()
    {
        await _adapters.Add("a", ManagedAdapters.One);
        _adapters.Restart(() => Copy("older"));
        Manager.SaveMix("m", [new AdapterPart("a", 0.5)]);

        Should.Throw<IOException>(() => _adapters.Restart(() =>
        {
            Restore("older");
            File.Copy(Path.Combine(_copies.Path, "older", "registry.generation"), Path.Combine(Root, "registry.generation"), overwrite: true);
        })).Message.ShouldContain("does not know the name");

        _adapters.Restart(static () => { }, rebuild: true);
        Manager.List().Select(info => info.Name).ShouldBe(["a", "m"]);
    }

    [Fact]
    public async Task Open_OlderRegistryAheadOfItsGeneration_KeepsTheNewerNames()
    {
        await _adapters.Add("a", ManagedAdapters.One);
        var behind = File.ReadAllBytes(Path.Combine(Root, "registry.generation"));
        Manager.Update("a", new AdapterPatch { Pinned = true });
        _adapters.Restart(() => Copy("older"));
        Manager.SaveMix("m", [new AdapterPart("a", 0.5)]);
        void Damage()
        {
            Restore("older");
            File.WriteAllBytes(Path.Combine(Root, "registry.generation"), behind);
        }

        _adapters.Restart(Damage);

        Directory.GetFiles(Path.Combine(_adapters.DataFolder, "trash")).ShouldHaveSingleItem().ShouldContain("adapters-aliases-");
    }

    [Fact]
    public async Task Open_OlderRegistryAheadOfItsGenerationBesideANewerVersion_ChangesNothing()
    {
        await _adapters.Add("a", ManagedAdapters.One);
        var behind = File.ReadAllBytes(Path.Combine(Root, "registry.generation"));
        Manager.Update("a", new AdapterPatch { Pinned = true });
        _adapters.Restart(() => Copy("older"));
        Manager.SaveMix("m", [new AdapterPart("a", 0.5)]);
        await _adapters.Add("b", ManagedAdapters.Two);

        Should.Throw<IOException>(() => _adapters.Restart(() =>
        {
            Restore("older");
            File.WriteAllBytes(Path.Combine(Root, "registry.generation"), behind);
        })).Message.ShouldContain("came later");

        _adapters.Restart(static () => { }, rebuild: true);
        Manager.List().Select(info => info.Name).ShouldBe(["a", "b", "m"]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Open_NamesBesideARegistryThatDoesNotKnowThem_IsRefusedWhateverElseLiesThere(bool isEarlierRelease)
    {
        await _adapters.Add("a", ManagedAdapters.One);
        _adapters.Restart(() => Copy("older"));
        Manager.SaveMix("m", [new AdapterPart("a", 0.5)]);

        Should.Throw<IOException>(() => _adapters.Restart(() =>
        {
            File.Delete(Path.Combine(Root, "registry.generation"));
            Directory.CreateDirectory(Path.Combine(Root, "names"));
            File.WriteAllText(Path.Combine(Root, "names", "note"), "");
            if (isEarlierRelease)
            {
                Restore("older");
                Execute("DROP TABLE DataGeneration");
            }
            else
            {
                File.Delete(Registry);
            }
        })).Message.ShouldContain("--rebuild-registry");

        _adapters.Restart(static () => { }, rebuild: true);
        Manager.List().Select(info => info.Name).ShouldBe(["a", "m"]);
    }

    /// <summary>A version without a registry, started on the folder of a later one, leaves names of its own beside the copies of names.</summary>
    [Fact]
    public async Task Open_NamesOfTheTimeBeforeTheRegistryBesideCopiesOfNames_AreRefusedAndRebuiltWithThem()
    {
        var one = await _adapters.Add("a", ManagedAdapters.One);
        var names = Path.Combine(Root, "names");

        Should.Throw<IOException>(() => _adapters.Restart(() =>
        {
            foreach (var file in Directory.GetFiles(Root, "registry.*")) File.Delete(file);
            Directory.CreateDirectory(names);
            File.WriteAllText(Path.Combine(names, "1.json"), $$"""{"name":"old","version":"{{one.Version}}","created":"2026-03-05T14:07:09+00:00"}""");
        })).Message.ShouldContain("--rebuild-registry");
        (Directory.GetFiles(names).Length, Directory.GetFiles(Path.Combine(Root, "aliases")).Length).ShouldBe((1, 1));
        Directory.Exists(Path.Combine(_adapters.DataFolder, "trash")).ShouldBeFalse();

        _adapters.Restart(static () => { }, rebuild: true);
        Manager.List().Select(info => (info.Name, info.Version)).ShouldBe([("a", one.Version), ("old", one.Version)]);
    }

    [Fact]
    public void Open_StrangeFolderAmongVersions_IsNoAdapter()
    {
        _adapters.Restart(() =>
        {
            Directory.Delete(Root, recursive: true);
            Directory.CreateDirectory(Path.Combine(Root, "versions", "lost+found"));
        });
        Manager.List().ShouldBeEmpty();
        _adapters.Restart(static () => { }, rebuild: true);
    }

    [Fact]
    public async Task Add_CopyCannotBeMade_KeepsTheVersion()
    {
        Execute("DROP TABLE MixParts");

        var one = await _adapters.Add("a", ManagedAdapters.One);

        (await _adapters.Version("a")).ShouldBe(one.Version.Value);
        _adapters.Log.Lines.ShouldContain(line => line.Contains("not copied"));
    }

    [Fact]
    public async Task Open_CutDescriptionOfAVersion_IsWrittenAgain()
    {
        var one = await _adapters.Add("a", ManagedAdapters.One);

        _adapters.Restart(() => File.WriteAllText(Path.Combine(Root, "versions", one.Version.Value, VersionFile.FileName), "{"));

        VersionFile.TryRead(Path.Combine(Root, "versions", one.Version.Value))!.Name.ShouldBe("a");
    }

    [Fact]
    public async Task Rebuild_RegistryOfANewerRelease_StaysWhereItIs()
    {
        await _adapters.Add("a", ManagedAdapters.One);

        Should.Throw<IOException>(() => _adapters.Restart(
            () => Execute("INSERT INTO __EFMigrationsHistory VALUES ('29990101000000_Future', '99.0.0')"), rebuild: true)).Message.ShouldContain(Registry);

        File.Exists(Registry).ShouldBeTrue();
    }

    [Fact]
    public async Task Remove_ReserveWasUsed_IsFilledAgain()
    {
        await _adapters.Add("a", ManagedAdapters.One);
        var reserve = Path.Combine(Root, "reserve");
        File.Delete(reserve);

        Manager.Remove("a", force: true);

        File.Exists(reserve).ShouldBeTrue();
    }

    [Fact]
    public async Task Open_CellOfAnotherKind_IsRefusedAndRebuilt()
    {
        var one = await _adapters.Add("a", ManagedAdapters.One);

        Should.Throw<IOException>(() => _adapters.Restart(() => Execute("UPDATE Aliases SET Created = 'never'"))).Message.ShouldContain("--rebuild-registry");

        _adapters.Restart(static () => { }, rebuild: true);
        Manager.Find("a")!.Version.ShouldBe(one.Version);
    }

    [Fact]
    public async Task Open_KilledBeforeTheGenerationWasWritten_Starts()
    {
        await _adapters.Add("a", ManagedAdapters.One);
        var before = File.ReadAllBytes(Path.Combine(Root, "registry.generation"));
        var two = await _adapters.Add("b", ManagedAdapters.Two);

        _adapters.Restart(() =>
        {
            File.WriteAllBytes(Path.Combine(Root, "registry.generation"), before);
            Directory.Delete(Path.Combine(Root, "aliases"), recursive: true);
        });

        Manager.List().Select(info => info.Name).ShouldBe(["a", "b"]);
        // Copies are made up for.
        _adapters.Restart(() => File.Delete(Registry), rebuild: true);
        Manager.Find("b")!.Version.ShouldBe(two.Version);
    }

    [Fact]
    public async Task Rebuild_NamesAreLostToo_TakesThoseOfTheVersions()
    {
        var one = await _adapters.Add("a", ManagedAdapters.One);
        var two = await _adapters.Add("a", ManagedAdapters.Two);
        var three = await _adapters.Add("b", ManagedAdapters.Three);

        _adapters.Restart(
            () =>
            {
                Directory.Delete(Path.Combine(Root, "aliases"), recursive: true);
                File.Delete(Path.Combine(Root, "versions", three.Version.Value, VersionFile.FileName));
            },
            rebuild: true);

        Manager.Versions("a").Select(version => version.Version).ShouldBe([two.Version, one.Version]);
        var name = $"recovered-{three.Version.Short}";
        (await _adapters.Version(name)).ShouldBe(three.Version.Value);
        Manager.Find(name)!.Rank.ShouldBe(three.Rank);
    }

    [Fact]
    public async Task Open_RegistryOfAnEarlierRelease_IsTakenOver()
    {
        var one = await _adapters.Add("a", ManagedAdapters.One);

        _adapters.Restart(() =>
        {
            File.Delete(Path.Combine(Root, "registry.generation"));
            File.Delete(Path.Combine(Root, "versions", one.Version.Value, VersionFile.FileName));
            Directory.Delete(Path.Combine(Root, "aliases"), recursive: true);
            Execute("DROP TABLE DataGeneration");
        });

        Manager.Find("a")!.Version.ShouldBe(one.Version);
        VersionFile.TryRead(Path.Combine(Root, "versions", one.Version.Value))!.Name.ShouldBe("a");
        Directory.GetFiles(Path.Combine(Root, "aliases")).Length.ShouldBe(1);
    }

    [Fact]
    public async Task Open_TrashIsOld_IsEmptied()
    {
        await _adapters.Add("a", ManagedAdapters.One);
        var trash = Path.Combine(_adapters.DataFolder, "trash");
        Directory.CreateDirectory(Path.Combine(trash, "20200101T000000Z-adapters-versions-1"));
        Directory.CreateDirectory(Path.Combine(trash, $"{DateTime.UtcNow:yyyyMMdd'T'HHmmss'Z'}-adapters-versions-2"));
        Directory.CreateDirectory(Path.Combine(trash, "mine"));

        _adapters.Restart();

        Directory.GetDirectories(trash).Select(path => Path.GetFileName(path)[^1]).Order().ShouldBe(['2', 'e']);
    }

    private void Damage(string damage)
    {
        switch (damage)
        {
            case "emptied":
                File.WriteAllText(Registry, "");
                break;
            case "removed":
                File.Delete(Registry);
                break;
            case "removed with its generation":
                File.Delete(Registry);
                File.Delete(Path.Combine(Root, "registry.generation"));
                break;
            case "older":
                Restore("older");
                break;
            case "truncated":
                using (var file = File.OpenWrite(Registry)) file.SetLength(8192);
                break;
            case "garbage":
                File.WriteAllText(Registry, new string('x', 20_000));
                break;
            case "stranger":
                using (var other = new ManagedAdapters())
                {
                    other.Restart();
                    other.Manager.Dispose();
                    File.Copy(Path.Combine(other.DataFolder, "adapters", "registry.db"), Registry, overwrite: true);
                }

                break;
            case "generation":
                File.Delete(Path.Combine(Root, "registry.generation"));
                break;
            case "damaged generation":
                File.WriteAllText(Path.Combine(Root, "registry.generation"), "");
                break;
        }
    }

    private void Copy(string name)
    {
        Directory.CreateDirectory(Path.Combine(_copies.Path, name));
        foreach (var file in Directory.GetFiles(Root, "registry.*")) File.Copy(file, Path.Combine(_copies.Path, name, Path.GetFileName(file)));
    }

    private void Restore(string name) => File.Copy(Path.Combine(_copies.Path, name, "registry.db"), Registry, overwrite: true);

    private void Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Registry};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
