using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
using Shouldly;
using Xunit;
using static LoraServe.Engine.Tests.Adapters.ManagedAdapters;

namespace LoraServe.Engine.Tests.Adapters;

public sealed class AdapterManagerLoadingTests : IDisposable
{
    private readonly ManagedAdapters _adapters = new();

    private AdapterManager Manager => _adapters.Manager;

    public void Dispose() => _adapters.Dispose();

    [Fact]
    public async Task Acquire_ConfigurationOfManyFaults_LogsNoMoreThanAFault()
    {
        var version = (await _adapters.Add("a", ManagedAdapters.One)).Version;
        var config = Path.Combine(Path.GetDirectoryName(_adapters.TensorFile(version.Value))!, "adapter_config.json");
        string[] names = ["r", "lora_alpha", "target_modules", "modules_to_save", "use_dora", "use_rslora", "rank_pattern", "alpha_pattern", "bias"];
        await File.WriteAllTextAsync(config, $"{{{string.Join(',', names.Select(name => $"\"{name}\": [[\"{new string('x', 200)}\"]]"))}}}");

        (await Should.ThrowAsync<DamagedAdapterException>(() => _adapters.Version("a"))).Message.Length.ShouldBeGreaterThan(600);

        _adapters.Log.Lines.ShouldContain(line => line.Contains("is broken"));
        _adapters.Log.Lines.ShouldAllBe(line => line.Length < 600);
    }

    [Fact]
    public async Task AcquireAsync_FileTruncatedAfterRegistration_FailsOnlyItsRequestsUntilItIsMended()
    {
        var info = await _adapters.Add("a", One);
        await _adapters.Add("b", Two);
        Manager.SaveMix("m", [new AdapterPart("a", 1), new AdapterPart("b", 1)]);
        using (var file = File.OpenWrite(_adapters.TensorFile(info.Version.Value))) file.SetLength(file.Length / 2);

        (await Should.ThrowAsync<DamagedAdapterException>(() => _adapters.Version("a"))).Message.ShouldContain("The adapter 'a' cannot be loaded");
        (await Should.ThrowAsync<DamagedAdapterException>(() => _adapters.Version("m"))).Message.ShouldContain("The adapter 'a' cannot be loaded");
        await _adapters.Version("b");

        Manager.Find("a")!.Broken.ShouldNotBeNull();
        Manager.Find("m")!.Broken!.ShouldStartWith("'a': ");
        Manager.Versions("a").Single().Broken.ShouldNotBeNull();
        Manager.Find("b")!.Broken.ShouldBeNull();
        _adapters.Restart();
        Manager.Find("a")!.Broken.ShouldNotBeNull();
        await _adapters.Add("a", One);
        Manager.Find("a")!.Broken.ShouldBeNull();
        (await _adapters.Version("a")).ShouldBe(info.Version.Value);
    }

    [Fact]
    public async Task AcquireAsync_BrokenAndMendedBehindTheServersBack_WorksAfterARestart()
    {
        var info = await _adapters.Add("a", One);
        var content = File.ReadAllBytes(_adapters.TensorFile(info.Version.Value));
        File.Delete(_adapters.TensorFile(info.Version.Value));
        await Should.ThrowAsync<DamagedAdapterException>(() => _adapters.Version("a"));
        File.WriteAllBytes(_adapters.TensorFile(info.Version.Value), content);

        _adapters.Restart();

        (await _adapters.Version("a")).ShouldBe(info.Version.Value);
        Manager.Find("a")!.Broken.ShouldBeNull();
    }

    [Fact]
    public async Task Open_FolderOfAVersionIsGone_SaysSoAndServesTheOthers()
    {
        var info = await _adapters.Add("a", One);
        await _adapters.Add("b", Two);
        _adapters.Restart();
        Directory.Delete(Path.GetDirectoryName(_adapters.TensorFile(info.Version.Value))!, recursive: true);

        _adapters.Restart();

        Manager.Find("a")!.Broken.ShouldBe("Its files are missing.");
        await _adapters.Version("b");
        await Should.ThrowAsync<DamagedAdapterException>(() => _adapters.Version("a"));
    }

    [Fact]
    public async Task AcquireAsync_BudgetZero_IsRefusedInWords()
    {
        using var none = new ManagedAdapters(cacheBytes: 0);
        await none.Add("a", One);

        (await Should.ThrowAsync<AdapterTooLargeException>(() => none.Version("a"))).Message.ShouldContain("adapter-cache-bytes is 0");
    }

    [Fact]
    public async Task AcquireAsync_MoreThanTheBudgetAtOnce_WaitsOrFailsAndNeverExceeds()
    {
        var larger = await _adapters.Add("b", "regex-targets");
        var budget = larger.LoadedBytes + larger.LoadingBytes;
        using var hasty = new ManagedAdapters(budget, TimeSpan.FromMilliseconds(50));
        using var small = new ManagedAdapters(budget);
        foreach (var adapters in new[] { hasty, small })
        {
            await adapters.Add("a", One);
            await adapters.Add("b", "regex-targets");
        }

        using (await hasty.Manager.AcquireAsync("a", CancellationToken.None))
            await Should.ThrowAsync<AdapterCacheFullException>(() => hasty.Version("b"));
        var held = await small.Manager.AcquireAsync("a", CancellationToken.None);
        var waiting = small.Version("b");
        held.Dispose();

        await waiting;
        small.Manager.CacheStatus.PeakBytes.ShouldBeLessThanOrEqualTo(budget);
        small.Manager.Find("a")!.Residency.ShouldBe(AdapterResidency.Disk);
        small.Manager.Find("b")!.Residency.ShouldBe(AdapterResidency.Memory);
    }

    [Fact]
    public async Task AcquireAsync_RoomForTheAdapterButNotForLoadingIt_IsRefused()
    {
        var info = await _adapters.Add("a", One);
        using var small = new ManagedAdapters(cacheBytes: info.LoadedBytes + info.LoadingBytes - 1);
        using var enough = new ManagedAdapters(cacheBytes: info.LoadedBytes + info.LoadingBytes);
        await small.Add("a", One);
        await enough.Add("a", One);

        info.LoadingBytes.ShouldBeGreaterThan(info.SizeBytes);
        await Should.ThrowAsync<AdapterTooLargeException>(() => small.Version("a"));
        await enough.Version("a");
        enough.Manager.CacheStatus.Bytes.ShouldBe(info.LoadedBytes);
        enough.Manager.CacheStatus.PeakBytes.ShouldBe(info.LoadedBytes + info.LoadingBytes);
    }

    [Fact]
    public async Task AcquireAsync_AdHocMix_SaysItsParts()
    {
        var (one, three) = (await _adapters.Add("a", One), await _adapters.Add("b", Three));

        using var lease = await Manager.AcquireAsync("a:0.7,b:-0.3", CancellationToken.None);

        lease.Name.ShouldBe("a:0.7,b:-0.3");
        lease.Version.ShouldNotBeOneOf(one.Version, three.Version);
        lease.Adapter.Bytes.ShouldBe(one.LoadedBytes + three.LoadedBytes);
        Manager.CacheStatus.Bytes.ShouldBe(lease.Adapter.Bytes);
    }

    [Fact]
    public async Task AcquireAsync_MixOfWhatCannotBeMixed_SaysWhich()
    {
        await _adapters.Add("a", One);
        await _adapters.Add("dora", "dora-r4");

        var e = await Should.ThrowAsync<InvalidAdapterReferenceException>(() => _adapters.Version("a:0.5,dora:0.5"));

        e.Message.ShouldContain("'dora' cannot be mixed: it is a DoRA");
        Manager.CacheStatus.Bytes.ShouldBe(0);
        await _adapters.Version("dora");
    }

    [Fact]
    public async Task Calls_ManyAtOnceOnOneName_NeverCrashAndNeverServeAMixture()
    {
        string[] contents = [One, Two, Three];
        var versions = new HashSet<string>();
        foreach (var content in contents) versions.Add((await _adapters.Add("a", content)).Version.Value);
        using var over = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        var served = 0;

        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            while (!over.IsCancellationRequested)
            {
                try
                {
                    switch (worker)
                    {
                        case 0:
                            await _adapters.Add("a", contents[random.Next(3)]);
                            break;
                        case 1:
                            Manager.Rollback("a", null);
                            break;
                        case 2:
                            Manager.Remove("a", random.Next(2) == 0);
                            await Task.Delay(random.Next(20));
                            break;
                        case 3:
                            Manager.Update("a", new AdapterPatch { Pinned = random.Next(2) == 0 });
                            _ = Manager.List();
                            break;
                        default:
                            using (var lease = await Manager.AcquireAsync("a", CancellationToken.None))
                            {
                                versions.ShouldContain(lease.Version.Value);
                                lease.Adapter.Version.ShouldBe(lease.Version);
                                lease.Adapter.Linears.Values.SelectMany(update => update.Tensors).ShouldAllBe(tensor => !tensor.IsInvalid);
                                Interlocked.Increment(ref served);
                            }

                            break;
                    }
                }
                catch (Exception e) when (e is UnknownAdapterException or AdapterInUseException or InvalidAdapterReferenceException)
                {
                    // What a client is told while others move the name.
                    await Task.Yield();
                }
            }
        })));

        served.ShouldBeGreaterThan(0);
        Manager.Remove("a", force: true);
        // What was pinned may still be on its way.
        SpinWait.SpinUntil(() => Manager.CacheStatus.Bytes == 0, TimeSpan.FromSeconds(10)).ShouldBeTrue();
        _adapters.Restart();
        Manager.List().ShouldBeEmpty();
    }
}
