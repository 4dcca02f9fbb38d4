using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LoraServe.Engine.Adapters;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Tests.Lora;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters;

public sealed class AdapterCacheTests : IDisposable
{
    private const int Small = 400;
    private readonly AdapterCache _cache = new(capacity: 1000);
    private readonly Dictionary<string, List<LoraAdapter>> _loads = new(StringComparer.Ordinal);

    public void Dispose() => _cache.Dispose();

    [Fact]
    public async Task AcquireAsync_Twice_LoadsOnce()
    {
        using var first = await Acquire("a");
        using var second = await Acquire("a");

        second.Adapter.ShouldBeSameAs(first.Adapter);
        Loads("a").ShouldBe(1);
    }

    [Fact]
    public async Task AcquireAsync_ManyAtOnce_ShareOneLoad()
    {
        using var gate = new ManualResetEventSlim();
        var loads = 0;
        var waiting = Enumerable.Range(0, 16).Select(_ => _cache.AcquireAsync("a", Small, () =>
        {
            gate.Wait();
            Interlocked.Increment(ref loads);
            return Create("a", Small);
        }, CancellationToken.None).AsTask()).ToList();
        gate.Set();

        var leases = await Task.WhenAll(waiting);

        loads.ShouldBe(1);
        foreach (var lease in leases) lease.Dispose();
    }

    [Fact]
    public async Task AcquireAsync_WhileAnotherLoads_DoesNotWait()
    {
        using var gate = new ManualResetEventSlim();
        var slow = _cache.AcquireAsync("slow", Small, () =>
        {
            gate.Wait();
            return Create("slow", Small);
        }, CancellationToken.None).AsTask();

        using (await Acquire("fast")) slow.IsCompleted.ShouldBeFalse();

        gate.Set();
        (await slow).Dispose();
    }

    [Fact]
    public async Task AcquireAsync_LoadFails_EveryCallerSeesItAndTheNextTriesAgain()
    {
        using var gate = new ManualResetEventSlim();
        var failing = Enumerable.Range(0, 3).Select(_ => _cache.AcquireAsync("a", Small, () =>
        {
            gate.Wait();
            throw new IOException("disk");
        }, CancellationToken.None).AsTask()).ToList();
        gate.Set();
        foreach (var task in failing) await Should.ThrowAsync<IOException>(() => task);

        _cache.Bytes.ShouldBe(0);
        using var lease = await Acquire("a");
        lease.Version.ShouldBe("a");
    }

    [Fact]
    public async Task AcquireAsync_CancelledWait_LeavesTheAdapterToOthers()
    {
        using var gate = new ManualResetEventSlim();
        using var cancel = new CancellationTokenSource();
        LoraAdapter Load()
        {
            gate.Wait();
            return Create("a", Small);
        }

        var cancelled = _cache.AcquireAsync("a", Small, Load, cancel.Token).AsTask();
        var patient = _cache.AcquireAsync("a", Small, Load, CancellationToken.None).AsTask();
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => cancelled);
        gate.Set();

        using var lease = await patient;
        IsAlive(lease.Adapter).ShouldBeTrue();
    }

    [Fact]
    public async Task AcquireAsync_NoRoom_EvictsTheLeastRecentlyUsed()
    {
        (await Acquire("a")).Dispose();
        (await Acquire("b")).Dispose();
        (await Acquire("a")).Dispose();

        (await Acquire("c")).Dispose();

        IsAlive(_loads["a"][0]).ShouldBeTrue();
        IsAlive(_loads["b"][0]).ShouldBeFalse();
        _cache.Bytes.ShouldBe(2 * Small);
    }

    [Fact]
    public async Task AcquireAsync_AllLeased_GoesBeyondTheBudgetUntilOneIsReleased()
    {
        var a = await Acquire("a");
        var b = await Acquire("b");
        var c = await Acquire("c");
        _cache.Bytes.ShouldBe(3 * Small);

        b.Dispose();

        IsAlive(_loads["b"][0]).ShouldBeFalse();
        _cache.Bytes.ShouldBe(2 * Small);
        a.Dispose();
        c.Dispose();
    }

    [Fact]
    public async Task AcquireAsync_LargerThanTheBudget_LivesAsLongAsItsLease()
    {
        var lease = await Acquire("a", 4000);
        IsAlive(lease.Adapter).ShouldBeTrue();

        lease.Dispose();

        IsAlive(lease.Adapter).ShouldBeFalse();
        _cache.Count.ShouldBe(0);
    }

    [Fact]
    public async Task Evict_WhileLeased_WaitsForTheLastLease()
    {
        var lease = await Acquire("a");
        var shared = lease.Share();
        _cache.Evict("a");
        lease.Dispose();
        IsAlive(shared.Adapter).ShouldBeTrue();

        shared.Dispose();

        IsAlive(shared.Adapter).ShouldBeFalse();
        _cache.Bytes.ShouldBe(0);
    }

    [Fact]
    public async Task Evict_NotLeased_FreesAtOnce()
    {
        (await Acquire("a")).Dispose();

        _cache.Evict("a");
        _cache.Evict("unknown");

        IsAlive(_loads["a"][0]).ShouldBeFalse();
    }

    [Fact]
    public async Task Dispose_WithALeaseLeft_FreesItsAdapterWithTheLease()
    {
        var lease = await Acquire("a");
        (await Acquire("b")).Dispose();
        _cache.Dispose();
        _cache.Dispose();
        IsAlive(_loads["b"][0]).ShouldBeFalse();
        IsAlive(lease.Adapter).ShouldBeTrue();

        lease.Dispose();

        IsAlive(lease.Adapter).ShouldBeFalse();
    }

    /// <summary>Whatever the order of calls: leased adapters are alive, and once nothing is leased the budget holds and nothing has leaked.</summary>
    [Property(MaxTest = 100)]
    public Property Calls_AnySequence_NeverFreeWhatIsLeasedAndKeepTheBudget() =>
        Prop.ForAll(Gen.Choose(0, 29).ListOf().ToArbitrary(), calls =>
        {
            using var cache = new AdapterCache(1000);
            var loaded = new List<LoraAdapter>();
            var leases = new List<AdapterLease>();
            foreach (var call in calls)
            {
                var version = $"v{call % 6}";
                if (call < 16)
                {
                    leases.Add(cache.AcquireAsync(version, 320 + (80 * (call % 6)), () =>
                    {
                        var adapter = Create(version, 320 + (80 * (call % 6)));
                        loaded.Add(adapter);
                        return adapter;
                    }, CancellationToken.None).AsTask().GetAwaiter().GetResult());
                }
                else if (call < 18 && leases.Count > 0)
                {
                    leases.Add(leases[call % leases.Count].Share());
                }
                else if (call < 27 && leases.Count > 0)
                {
                    leases[call % leases.Count].Dispose();
                    leases.RemoveAt(call % leases.Count);
                }
                else
                {
                    cache.Evict(version);
                }

                leases.ShouldAllBe(lease => IsAlive(lease.Adapter));
                cache.Bytes.ShouldBe(loaded.Where(IsAlive).Sum(adapter => adapter.Bytes));
                if (leases.Count == 0) cache.Bytes.ShouldBeLessThanOrEqualTo(1000);
            }

            foreach (var lease in leases) lease.Dispose();
            cache.Bytes.ShouldBeLessThanOrEqualTo(1000);
            cache.Dispose();
            loaded.ShouldAllBe(adapter => !IsAlive(adapter));
        });

    [Fact]
    public async Task Calls_FromManyThreads_NeverFreeWhatIsLeased()
    {
        using var cache = new AdapterCache(1000);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            for (var i = 0; i < 200; i++)
            {
                var version = $"v{random.Next(5)}";
                using var lease = await cache.AcquireAsync(version, Small, () => Create(version, Small), CancellationToken.None);
                if (i % 3 == 0) await Task.Yield();
                IsAlive(lease.Adapter).ShouldBeTrue();
                if (random.Next(10) == 0) cache.Evict(version);
            }
        })));

        cache.Bytes.ShouldBeLessThanOrEqualTo(1000);
    }

    private async Task<AdapterLease> Acquire(string version, int bytes = Small) => await _cache.AcquireAsync(version, bytes, () =>
    {
        var adapter = Create(version, bytes);
        if (!_loads.TryAdd(version, [adapter])) _loads[version].Add(adapter);
        return adapter;
    }, CancellationToken.None);

    private int Loads(string version) => _loads[version].Count;

    private static LoraAdapter Create(string version, int bytes) => new(version, new Dictionary<string, LinearUpdate>
    {
        ["m"] = new LoraWeights(torch.zeros(bytes / 8).DetachFromDisposeScope(), torch.zeros(bytes / 8).DetachFromDisposeScope()),
    });

    private static bool IsAlive(LoraAdapter adapter) => !adapter.LowRank("m").A.IsInvalid;
}
