using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Tests;
using Microsoft.Data.Sqlite;
using Shouldly;
using Xunit;
using static LoraServe.Engine.Tests.Adapters.ManagedAdapters;

namespace LoraServe.Engine.Tests.Adapters;

public sealed class AdapterManagerNamesTests : IDisposable
{
    private readonly ManagedAdapters _adapters = new();

    private AdapterManager Manager => _adapters.Manager;

    public void Dispose() => _adapters.Dispose();

    [Fact]
    public async Task Versions_AfterReplaceAndRestart_HasAllOfThemNewestFirst()
    {
        var one = await _adapters.Add("a", One);
        var two = await _adapters.Add("a", Two);

        _adapters.Restart();

        var versions = Manager.Versions("a");
        versions.Select(version => (version.Version, version.IsCurrent, version.Rank)).ShouldBe([(two.Version, true, two.Rank), (one.Version, false, one.Rank)]);
        versions.Select(version => version.SplitShare).ShouldBe([1, 0]);
        (await _adapters.Version($"a@{one.Version.Value[..8]}")).ShouldBe(one.Version.Value);
    }

    [Fact]
    public async Task AddAsync_SeveralAtOnce_EachFolderTellsTheGenerationThatNamedIt()
    {
        var added = await Task.WhenAll(((string[])[One, Two, Three]).Select(adapter => Task.Run(() => _adapters.Add(adapter, adapter))));

        var folders = added.Select(info => VersionFile.TryRead(Path.GetDirectoryName(_adapters.TensorFile(info.Version.Value))!)!).ToList();
        folders.Select(file => file.Name).ShouldBe([One, Two, Three]);
        folders.Select(file => file.Generation).Distinct().Count().ShouldBe(3);
    }

    [Fact]
    public async Task StoreAsync_AnalyzedBefore_TellsTheSameAsAfter()
    {
        using var upload = await _adapters.Upload(One);
        using var adapter = await Manager.CheckAsync("a", upload, new AddOptions(), CancellationToken.None);

        var before = await Manager.AnalyzeAsync(adapter, CancellationToken.None);
        await Manager.StoreAsync(adapter, CancellationToken.None);

        (await Manager.AnalyzeAsync(AdapterReference.Parse("a"), CancellationToken.None)).ShouldBeEquivalentTo(before);
    }

    [Fact]
    public async Task Rollback_WithoutAVersion_GoesToTheOneBefore()
    {
        var one = await _adapters.Add("a", One);
        await _adapters.Add("a", Two);

        Manager.Rollback("a", toVersionPrefix: null).Version.ShouldBe(one.Version);

        _adapters.Restart();
        Manager.Find("a")!.Version.ShouldBe(one.Version);
        Should.Throw<InvalidAdapterReferenceException>(() => Manager.Rollback("a", null)).Message.ShouldContain("no version before");
        Should.Throw<UnknownAdapterException>(() => Manager.Rollback("b", null));
        Should.Throw<UnknownAdapterException>(() => Manager.Rollback("a", "0000000000"));
    }

    [Fact]
    public async Task Update_Split_SendsAShareOfTheRequestsElsewhereUntilARollback()
    {
        var one = await _adapters.Add("a", One);
        var two = await _adapters.Add("a", Two);

        Manager.Update("a", new AdapterPatch { Split = new Dictionary<string, double> { [one.Version.Value[..6]] = 0.25 } })
            .Split.ShouldBe(new Dictionary<AdapterVersionId, double> { [one.Version] = 0.25 });
        _adapters.Restart();

        var counts = new Dictionary<string, int> { [one.Version.Value] = 0, [two.Version.Value] = 0 };
        for (var i = 0; i < 400; i++) counts[await _adapters.Version("a")]++;
        counts[one.Version.Value].ShouldBeInRange(60, 140);
        Manager.Versions("a").Select(version => version.SplitShare).ShouldBe([0.75, 0.25]);
        Manager.Rollback("a", one.Version.Value).Split.ShouldBeEmpty();
    }

    [Fact]
    public async Task Update_Settings_SurviveARestartAndAnUpload()
    {
        await _adapters.Add("a", One, new AddOptions { Provenance = "first try" });
        Manager.Update("a", new AdapterPatch { Mode = MergeMode.Merged, Pinned = true, Share = 3 });
        await _adapters.Add("a", Two);

        _adapters.Restart();

        var info = Manager.Find("a")!;
        (info.Mode, info.Pinned, info.Share, info.Provenance).ShouldBe((MergeMode.Merged, true, 3, null));
        using var lease = await Manager.AcquireAsync("a", CancellationToken.None);
        (lease.Mode, lease.EngineShare).ShouldBe((MergeMode.Merged, 3));
        Manager.Rollback("a", null).Provenance.ShouldBe("first try");
    }

    [Fact]
    public async Task Add_EqualContentUnderTwoNames_EachShowsWhatCameWithIt()
    {
        var other = GoldenData.Path("accept", "other-base-name");
        await _adapters.Add("mine", One, new AddOptions { Provenance = "made by me" });
        var theirs = await _adapters.AddFolder("theirs", other);
        await _adapters.AddFolder("later", other, new AddOptions { Provenance = "made later" });

        theirs.Version.ShouldBe(Manager.Find("mine")!.Version);
        ShouldBeTold();
        _adapters.Restart();
        ShouldBeTold();

        void ShouldBeTold()
        {
            var (mine, yours) = (Manager.Find("mine")!, Manager.Find("theirs")!);
            (mine.Provenance, yours.Provenance, Manager.Find("later")!.Provenance).ShouldBe(("made by me", null, "made later"));
            yours.BaseModelName.ShouldNotBe(mine.BaseModelName);
            yours.Warnings.ShouldHaveSingleItem().ShouldContain($"made for '{yours.BaseModelName}'");
            mine.Warnings.ShouldNotBe(yours.Warnings);
        }
    }

    [Fact]
    public async Task Add_SameContentUnderTheSameName_ShowsTheNewFiles()
    {
        await _adapters.Add("a", One, new AddOptions { Provenance = "made by me" });
        var again = await _adapters.AddFolder("a", GoldenData.Path("accept", "other-base-name"));

        again.Warnings.ShouldHaveSingleItem();
        again.Provenance.ShouldBe("made by me");
        Manager.Versions("a").Count.ShouldBe(1);
    }

    [Fact]
    public async Task Folder_OfContentThatWasUploadedToo_ShowsItsOwnFiles()
    {
        await _adapters.AddFolder("uploaded", GoldenData.Path("accept", "other-base-name"), new AddOptions { Provenance = "secret" });
        var folder = _adapters.FolderWithOne();

        for (var i = 0; i < 3; i++)
        {
            _adapters.Restart(folder);

            var (own, uploaded) = (Manager.Find("own")!, Manager.Find("uploaded")!);
            own.Version.ShouldBe(uploaded.Version);
            own.Provenance.ShouldBeNull();
            own.BaseModelName.ShouldNotBe(uploaded.BaseModelName);
            uploaded.Provenance.ShouldBe("secret");
        }
    }

    [Fact]
    public async Task Open_AdaptersMadeForAnotherBase_AreToldOnce()
    {
        for (var i = 0; i < 8; i++) await _adapters.AddFolder($"other-{i}", GoldenData.Path("accept", "other-base-name"));
        await _adapters.Add("own", One);

        _adapters.Restart();

        _adapters.Log.Lines.Where(line => line.Contains("made for", StringComparison.Ordinal)).ShouldHaveSingleItem()
            .ShouldEndWith("are served on llama-gqa: other-0, other-1, other-2, other-3, other-4 and 3 more");
    }

    [Fact]
    public async Task Update_MorePinsThanMemory_IsRefused()
    {
        using var small = new ManagedAdapters(cacheBytes: 12_000);
        await small.Add("a", One);
        await small.Add("b", Three);
        small.Manager.Update("a", new AdapterPatch { Pinned = true }).Pinned.ShouldBeTrue();

        Should.Throw<InvalidAdapterPatchException>(() => small.Manager.Update("b", new AdapterPatch { Pinned = true }))
            .Message.ShouldContain("adapter-cache-bytes is 12000");

        small.Manager.Find("b")!.Pinned.ShouldBeFalse();
    }

    [Fact]
    public async Task AddAsync_PinnedNameGrowsBeyondMemory_IsRefusedAndNothingIsStored()
    {
        using var small = new ManagedAdapters(cacheBytes: 12_000);
        var one = await small.Add("a", One);
        small.Manager.Update("a", new AdapterPatch { Pinned = true });

        await Should.ThrowAsync<InvalidAdapterPatchException>(() => small.Add("a", Two));

        small.Manager.Versions("a").Single().Version.ShouldBe(one.Version);
        small.Manager.Update("a", new AdapterPatch { Share = 2 }).Share.ShouldBe(2);
    }

    [Fact]
    public async Task LastUse_AfterAChangeAndADelete_IsKeptAndForgotten()
    {
        await _adapters.Add("a", One);
        await _adapters.Version("a");
        var use = Manager.Find("a")!.LastUse.ShouldNotBeNull();
        Manager.Update("a", new AdapterPatch { Share = 2 });

        _adapters.Restart();
        Manager.Find("a")!.LastUse.ShouldBe(use);
        await _adapters.Version("a");
        Manager.Remove("a", force: false).ShouldBeTrue();

        (await _adapters.Add("a", One)).LastUse.ShouldBeNull();
        Manager.Find("a")!.LastUse.ShouldBeNull();
    }

    [Fact]
    public async Task SaveMix_OfNamesVersionsAndMixes_IsServedAsOneAdapter()
    {
        var one = await _adapters.Add("a", One);
        await _adapters.Add("b", Three);
        Manager.SaveMix("inner", [new AdapterPart($"a@{one.Version.Value[..4]}", 0.5), new AdapterPart("b", 1)]);
        Manager.SaveMix("outer", [new AdapterPart("inner", 2), new AdapterPart("b", -1)]);
        _adapters.Restart();

        var info = Manager.Find("outer")!;
        info.Parts.ShouldBe([new("inner", 2), new("b", -1)]);
        info.Broken.ShouldBeNull();
        using var lease = await Manager.AcquireAsync("outer", CancellationToken.None);
        (lease.Name, lease.Version).ShouldBe(("outer", info.Version));
        (await _adapters.Version("a,b")).ShouldBe(info.Version.Value);
        Manager.Versions("outer").ShouldBeEmpty();
        Manager.CacheStatus.Loads.ShouldBe(1);
    }

    [Fact]
    public async Task SaveMix_CyclicOrUnknownOrTaken_IsRefusedAndChangesNothing()
    {
        await _adapters.Add("a", One);
        await _adapters.Add("dora", "dora-r4");
        Manager.SaveMix("x", [new AdapterPart("a", 1)]);
        Manager.SaveMix("y", [new AdapterPart("x", 1)]);

        Should.Throw<InvalidAdapterReferenceException>(() => Manager.SaveMix("x", [new AdapterPart("y", 1)])).Message.ShouldContain("contains itself");
        Should.Throw<InvalidAdapterReferenceException>(() => Manager.SaveMix("x", [new AdapterPart("x", 1)])).Message.ShouldContain("contains itself");
        Should.Throw<InvalidAdapterReferenceException>(() => Manager.SaveMix("x", [new AdapterPart("dora", 0.5)])).Message.ShouldContain("is a DoRA");
        Should.Throw<UnknownAdapterException>(() => Manager.SaveMix("x", [new AdapterPart("gone", 1)]));
        Should.Throw<AdapterExistsException>(() => Manager.SaveMix("a", [new AdapterPart("x", 1)]));
        Should.Throw<InvalidAdapterException>(() => Manager.SaveMix("llama-gqa", [new AdapterPart("a", 1)]));

        Manager.Find("x")!.Parts.ShouldBe([new AdapterPart("a", 1)]);
    }

    [Fact]
    public async Task Remove_InUse_IsRefusedUnlessForced()
    {
        await _adapters.Add("a", One);
        Manager.SaveMix("m", [new AdapterPart("a", 0.5)]);
        Should.Throw<AdapterInUseException>(() => Manager.Remove("a", force: false)).Message.ShouldContain("the mix 'm'");
        Manager.Remove("m", force: false).ShouldBeTrue();
        var lease = await Manager.AcquireAsync("a", CancellationToken.None);
        Should.Throw<AdapterInUseException>(() => Manager.Remove("a", force: false)).Message.ShouldContain("requests that run");

        lease.Dispose();

        Manager.Remove("a", force: false).ShouldBeTrue();
        Manager.List().ShouldBeEmpty();
        Directory.GetDirectories(Path.Combine(_adapters.DataFolder, "adapters", "versions")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Remove_PartOfAMixByForce_BreaksTheMixUntilItIsBack()
    {
        await _adapters.Add("a", One);
        Manager.SaveMix("m", [new AdapterPart("a", 0.5)]);

        Manager.Remove("a", force: true);

        Manager.Find("m")!.Broken.ShouldBe("The adapter 'a', a part of the mix 'm', does not exist.");
        await Should.ThrowAsync<UnknownAdapterException>(() => _adapters.Version("m"));
        await _adapters.Add("a", Two);
        (await _adapters.Version("m")).ShouldBe(Manager.Find("m")!.Version.Value);
    }

    [Fact]
    public async Task Remove_NameThatSharesAVersion_LeavesTheVersionToTheOther()
    {
        var info = await _adapters.Add("a", One);
        await _adapters.Add("b", One);

        Manager.Remove("a", force: true);
        _adapters.Restart();

        (await _adapters.Version("b")).ShouldBe(info.Version.Value);
    }

    [Fact]
    public void Open_FolderAgain_TakesWhatItKnowsAndNoticesChanges()
    {
        var folder = _adapters.FolderWithOne();
        _adapters.Restart(folder);
        Manager.Update("own", new AdapterPatch { Share = 2 });
        var tensors = Path.Combine(folder, "own", "adapter_model.safetensors");
        var (content, time) = (File.ReadAllBytes(tensors), File.GetLastWriteTimeUtc(tensors));

        // The same size and time: it is not opened.
        File.WriteAllBytes(tensors, new byte[content.Length]);
        File.SetLastWriteTimeUtc(tensors, time);
        _adapters.Restart(folder);
        Manager.Find("own")!.Share.ShouldBe(2);
        File.SetLastWriteTimeUtc(tensors, time.AddSeconds(1));

        Should.Throw<InvalidAdapterException>(() => _adapters.Restart(folder));
        _adapters.Restart();
    }

    [Fact]
    public async Task AddAsync_RegistryCannotBeWritten_StoresNothing()
    {
        var info = await _adapters.Add("a", One);
        await using (var other = new SqliteConnection($"Data Source={Path.Combine(_adapters.DataFolder, "adapters", "registry.db")};Pooling=false"))
        {
            await other.OpenAsync();
            await using var command = other.CreateCommand();
            command.CommandText = "CREATE TRIGGER full BEFORE INSERT ON History BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END";
            await command.ExecuteNonQueryAsync();
        }

        (await Should.ThrowAsync<IOException>(() => _adapters.Add("a", Two))).Message.ShouldContain("disk is full");
        Should.Throw<IOException>(() => Manager.Rollback("a", info.Version.Value[..8]));

        Manager.Find("a")!.Version.ShouldBe(info.Version);
        _adapters.Restart();
        (await _adapters.Version("a")).ShouldBe(info.Version.Value);
        Directory.GetDirectories(Path.Combine(_adapters.DataFolder, "adapters", "versions")).Length.ShouldBe(1);
    }

    /// <summary>Needs a small file system: <c>mount -t tmpfs -o size=2m tmpfs DIR</c>, then run with TMPDIR=DIR and LORASERVE_SMALL_DISK=1.</summary>
    [Fact]
    public async Task AddAsync_DiskFull_StoresNothingOfWhatDoesNotFit()
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariable("LORASERVE_SMALL_DISK") is null, "The temporary folder is not on a small file system.");
        var filler = Path.Combine(_adapters.DataFolder, "filler");
        Should.Throw<IOException>(() =>
        {
            using var file = new FileStream(filler, FileMode.Create);
            while (true)
            {
                file.Write(new byte[4096]);
                file.Flush();
            }
        });
        var stored = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (adapter, i) in ((string[])[One, Two, Three, "rslora-r16", "dora-r4", "rank-1"]).Select((adapter, i) => (adapter, i)))
        {
            using (var file = new FileStream(filler, FileMode.Open)) file.SetLength(file.Length - (20_000 + (i * 7_000)));
            try
            {
                stored[adapter] = (await _adapters.Add(adapter, adapter)).Version.Value;
            }
            catch (IOException e)
            {
                TestContext.Current.TestOutputHelper?.WriteLine(e.Message);
            }
        }

        File.Delete(filler);
        _adapters.Restart();
        Manager.List().ToDictionary(info => info.Name, info => info.Version.Value).ShouldBe(stored, ignoreOrder: true);
        foreach (var name in stored.Keys) (await _adapters.Version(name)).ShouldBe(stored[name]);
        Directory.GetDirectories(Path.Combine(_adapters.DataFolder, "adapters", "versions")).Length.ShouldBe(stored.Values.Distinct().Count());
    }

    [Fact]
    public async Task LastUse_AfterARequest_SurvivesARestart()
    {
        await _adapters.Add("a", One);
        Manager.Find("a")!.LastUse.ShouldBeNull();

        await _adapters.Version("a");

        var use = Manager.Find("a")!.LastUse.ShouldNotBeNull();
        _adapters.Restart();
        Manager.Find("a")!.LastUse.ShouldBe(use);
    }
}
