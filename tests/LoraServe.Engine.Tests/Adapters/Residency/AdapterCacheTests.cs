using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Tests.Lora;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters.Residency;

public sealed class AdapterCacheTests : IDisposable
{
    private const int Small = 400;
    private readonly AdapterCache _cache = new(new AdapterCacheLimits { Bytes = 1000, Patience = TimeSpan.FromSeconds(10) }, TimeProvider.System, new AdapterMetrics(new AdapterLabels(1)));
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
        var waiting = Enumerable.Range(0, 16).Select(_ => _cache.AcquireAsync(new AdapterVersionId("a"), "a", Small, () =>
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
        var slow = _cache.AcquireAsync(new AdapterVersionId("slow"), "slow", Small, () =>
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
        var failing = Enumerable.Range(0, 3).Select(_ => _cache.AcquireAsync(new AdapterVersionId("a"), "a", Small, () =>
        {
            gate.Wait();
            throw new IOException("disk");
        }, CancellationToken.None).AsTask()).ToList();
        gate.Set();
        foreach (var task in failing) await Should.ThrowAsync<IOException>(() => task);

        _cache.Status.Bytes.ShouldBe(0);
        using var lease = await Acquire("a");
        lease.Version.Value.ShouldBe("a");
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

        var cancelled = _cache.AcquireAsync(new AdapterVersionId("a"), "a", Small, Load, cancel.Token).AsTask();
        var patient = _cache.AcquireAsync(new AdapterVersionId("a"), "a", Small, Load, CancellationToken.None).AsTask();
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
        _cache.Status.Bytes.ShouldBe(2 * Small);
    }

    [Fact]
    public async Task AcquireAsync_AllLeased_WaitsForALeaseToEndInTheOrderOfArrival()
    {
        var a = await Acquire("a");
        var b = await Acquire("b");
        var large = Acquire("large", 2 * Small);
        var small = Acquire("small", Small / 2);
        _cache.Status.Waiting.ShouldBe(2);

        using (await Acquire("a")) b.Dispose();
        await Task.Delay(20);
        large.IsCompleted.ShouldBeFalse();
        small.IsCompleted.ShouldBeFalse();
        a.Dispose();

        (await large).Dispose();
        (await small).Dispose();
        _cache.Status.PeakBytes.ShouldBeLessThanOrEqualTo(1000);
    }

    [Fact]
    public async Task AcquireAsync_NoLeaseEndsInTime_IsRefusedAndLetsTheNextPass()
    {
        var time = new ManualTimers();
        using var cache = new AdapterCache(new AdapterCacheLimits { Bytes = 1000, Patience = TimeSpan.FromSeconds(10) }, time, new AdapterMetrics(new AdapterLabels(1)));
        using var held = await cache.AcquireAsync(new AdapterVersionId("a"), "a", 600, () => Create("a", 600), CancellationToken.None);
        var large = cache.AcquireAsync(new AdapterVersionId("large"), "large", 800, () => Create("large", 800), CancellationToken.None).AsTask();
        time.Advance(TimeSpan.FromSeconds(5));
        var small = cache.AcquireAsync(new AdapterVersionId("small"), "small", Small, () => Create("small", Small), CancellationToken.None).AsTask();
        time.Advance(TimeSpan.FromSeconds(4));
        small.IsCompleted.ShouldBeFalse();
        large.IsCompleted.ShouldBeFalse();

        time.Advance(TimeSpan.FromSeconds(1));

        (await Should.ThrowAsync<AdapterCacheFullException>(() => large)).Message.ShouldContain("Try again later");

        (await small).Dispose();
        cache.Status.Waiting.ShouldBe(0);
    }

    [Fact]
    public async Task AcquireAsync_CancelledInLine_LetsTheNextPass()
    {
        using var held = await Acquire("a");
        using var cancel = new CancellationTokenSource();
        var large = _cache.AcquireAsync(new AdapterVersionId("large"), "large", 1000, () => Create("large", 1000), cancel.Token).AsTask();
        var small = Acquire("small");

        await cancel.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => large);
        (await small).Dispose();
    }

    [Theory]
    [InlineData(0, 400, "is 0")]
    [InlineData(300, 400, "The adapter 'a' needs 400 bytes of memory to be loaded, adapter-cache-bytes allows 300")]
    public async Task AcquireAsync_CanNeverFit_IsRefusedAtOnce(long budget, int bytes, string message)
    {
        using var cache = new AdapterCache(new AdapterCacheLimits { Bytes = budget }, TimeProvider.System, new AdapterMetrics(new AdapterLabels(1)));

        var refused = cache.AcquireAsync(new AdapterVersionId("a"), "a", bytes, () => Create("a", bytes), CancellationToken.None).AsTask();

        refused.IsCompleted.ShouldBeTrue();
        (await Should.ThrowAsync<AdapterTooLargeException>(() => refused)).Message.ShouldContain(message);
    }

    [Fact]
    public async Task Pin_LeastRecentlyUsed_StaysAndWhatItLeavesIsTheLimit()
    {
        (await Acquire("a")).Dispose();
        _cache.Pin(new Dictionary<AdapterVersionId, long> { [new("a")] = Small });
        foreach (var version in (string[])["b", "c", "d"]) (await Acquire(version)).Dispose();

        IsAlive(_loads["a"][0]).ShouldBeTrue();
        (await Should.ThrowAsync<AdapterCacheFullException>(() => Acquire("large", 2 * Small))).Message.ShouldContain("pinned adapters leave 600");
        _cache.Pin(new Dictionary<AdapterVersionId, long>());
        (await Acquire("large", 2 * Small)).Dispose();
        IsAlive(_loads["a"][0]).ShouldBeFalse();
    }

    [Fact]
    public async Task AcquireAsync_NeedsLessThanItReserved_GivesTheRestBack()
    {
        using var mix = await _cache.AcquireAsync(new AdapterVersionId("mix"), "mix", 1000, () => Create("mix", Small), CancellationToken.None);

        (await Acquire("a")).Dispose();

        _cache.Status.Bytes.ShouldBe(2 * Small);
        _cache.Status.PeakBytes.ShouldBe(1000);
    }

    [Fact]
    public async Task AcquireAsync_NeedsMoreThanItReserved_IsAnErrorAndNotKept()
    {
        var wrong = _cache.AcquireAsync(new AdapterVersionId("a"), "a", Small, () => Create("a", 2 * Small), CancellationToken.None).AsTask();

        await Should.ThrowAsync<InvalidOperationException>(() => wrong);

        _cache.Status.Bytes.ShouldBe(0);
    }

    [Fact]
    public async Task Evict_WhileLeased_WaitsForTheLastLease()
    {
        var lease = await Acquire("a");
        var shared = lease.Share();
        _cache.Evict(new AdapterVersionId("a"));
        lease.Dispose();
        IsAlive(shared.Adapter).ShouldBeTrue();

        shared.Dispose();

        IsAlive(shared.Adapter).ShouldBeFalse();
        _cache.Status.Bytes.ShouldBe(0);
    }

    [Fact]
    public async Task Evict_NotLeased_FreesAtOnce()
    {
        (await Acquire("a")).Dispose();

        _cache.Evict(new AdapterVersionId("a"));
        _cache.Evict(new AdapterVersionId("unknown"));

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

    [Fact]
    public async Task Calls_FromManyThreads_NeverFreeWhatIsLeased()
    {
        using var cache = new AdapterCache(new AdapterCacheLimits { Bytes = 1000 }, TimeProvider.System, new AdapterMetrics(new AdapterLabels(1)));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            for (var i = 0; i < 200; i++)
            {
                var version = $"v{random.Next(5)}";
                using var lease = await cache.AcquireAsync(new AdapterVersionId(version), version, Small, () => Create(version, Small), CancellationToken.None);
                if (i % 3 == 0) await Task.Yield();
                IsAlive(lease.Adapter).ShouldBeTrue();
                if (random.Next(10) == 0) cache.Evict(new AdapterVersionId(version));
            }
        })));

        cache.Status.PeakBytes.ShouldBeLessThanOrEqualTo(1000);
    }

    private async Task<AdapterLease> Acquire(string version, int bytes = Small) => await _cache.AcquireAsync(new AdapterVersionId(version), version, bytes, () =>
    {
        var adapter = Create(version, bytes);
        if (!_loads.TryAdd(version, [adapter])) _loads[version].Add(adapter);
        return adapter;
    }, CancellationToken.None);

    private int Loads(string version) => _loads[version].Count;

    private static LoraAdapter Create(string version, int bytes) => new(new AdapterVersionId(version), new Dictionary<string, LinearUpdate>
    {
        ["m"] = new LowRankUpdate(torch.zeros(bytes / 8).DetachFromDisposeScope(), torch.zeros(bytes / 8).DetachFromDisposeScope()),
    });

    private static bool IsAlive(LoraAdapter adapter) => !adapter.LowRank("m").A.IsInvalid;
}
