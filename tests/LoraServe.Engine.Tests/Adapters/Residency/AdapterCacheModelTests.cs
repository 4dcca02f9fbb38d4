using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Tests.Lora;
using Shouldly;
using TorchSharp;

namespace LoraServe.Engine.Tests.Adapters.Residency;

/// <summary>
/// Random calls against a model that says in a few lines what the cache is: versions in the order of use, of which those without lease and
/// pin may go, the first of them first, when another one needs the room.
/// </summary>
public sealed class AdapterCacheModelTests
{
    private const long Budget = 2000;
    private const int Versions = 8;

    [Property(MaxTest = 300)]
    public Property Calls_AnySequence_BehaveLikeTheModel() => Prop.ForAll(Gen.Choose(0, 999).ListOf().ToArbitrary(), calls =>
    {
        using var cache = new AdapterCache(new AdapterCacheLimits { Bytes = Budget, Patience = TimeSpan.Zero }, TimeProvider.System, new AdapterMetrics(new AdapterLabels(1)));
        var (model, loaded) = (new Model(), new List<LoraAdapter>());
        foreach (var call in calls)
        {
            var version = $"v{call / 10 % Versions}";
            switch (call % 10)
            {
                case < 5:
                    Acquire(cache, model, loaded, version);
                    break;
                case < 8 when model.Leases.Count > 0:
                    model.Release(call / 10 % model.Leases.Count);
                    break;
                case 8:
                    cache.Evict(new AdapterVersionId(version));
                    model.Evict(version);
                    break;
                case 9:
                    model.Pinned = call < 500 ? [] : [version];
                    cache.Pin(model.Pinned.ToDictionary(pinned => new AdapterVersionId(pinned), Bytes));
                    break;
            }

            loaded.Where(IsAlive).Select(adapter => adapter.Version.Value).Order().ShouldBe(model.Resident.Order());
            cache.Status.Bytes.ShouldBe(model.Resident.Sum(Bytes));
            cache.Status.PeakBytes.ShouldBeLessThanOrEqualTo(Budget);
        }

        while (model.Leases.Count > 0) model.Release(0);
        cache.Dispose();
        loaded.ShouldAllBe(adapter => !IsAlive(adapter));
        (cache.Status.Bytes, cache.Status.Count, cache.Status.Waiting).ShouldBe((0, 0, 0));
    });

    private static void Acquire(AdapterCache cache, Model model, List<LoraAdapter> loaded, string version)
    {
        var fits = model.Acquire(version);
        try
        {
            var lease = cache.AcquireAsync(new AdapterVersionId(version), version, Bytes(version), () => Create(version, loaded), CancellationToken.None)
                .AsTask().GetAwaiter().GetResult();
            fits.ShouldBeTrue();
            IsAlive(lease.Adapter).ShouldBeTrue();
            model.Leases.Add((version, lease));
        }
        catch (AdapterCacheFullException)
        {
            fits.ShouldBeFalse();
        }
    }

    private static long Bytes(string version) => 320 + (80 * (version[1] - '0'));

    private static LoraAdapter Create(string version, List<LoraAdapter> loaded)
    {
        var half = Bytes(version) / 8;
        var adapter = new LoraAdapter(new AdapterVersionId(version), new Dictionary<string, LinearUpdate>
        {
            ["m"] = new LowRankUpdate(torch.zeros(half).DetachFromDisposeScope(), torch.zeros(half).DetachFromDisposeScope()),
        });
        loaded.Add(adapter);
        return adapter;
    }

    private static bool IsAlive(LoraAdapter adapter) => !adapter.LowRank("m").A.IsInvalid;

    private sealed class Model
    {
        private readonly HashSet<string> _unwanted = [];

        public List<string> Resident { get; private set; } = [];

        public List<(string Version, AdapterLease Lease)> Leases { get; } = [];

        public IReadOnlyList<string> Pinned { get; set; } = [];

        public bool Acquire(string version)
        {
            if (!Resident.Contains(version))
            {
                if (Bytes(version) > Budget - Pinned.Where(pinned => pinned != version).Sum(Bytes)) return false;
                var left = new List<string>(Resident);
                while (left.Sum(Bytes) + Bytes(version) > Budget)
                {
                    if (left.Find(other => !IsLeased(other) && !Pinned.Contains(other)) is not { } victim) return false;
                    left.Remove(victim);
                }

                Resident = left;
            }

            Resident.Remove(version);
            Resident.Add(version);
            _unwanted.Remove(version);
            return true;
        }

        public void Release(int index)
        {
            var (version, lease) = Leases[index];
            Leases.RemoveAt(index);
            lease.Dispose();
            if (_unwanted.Contains(version) && !IsLeased(version)) Resident.Remove(version);
        }

        public void Evict(string version)
        {
            if (IsLeased(version)) _unwanted.Add(version);
            else Resident.Remove(version);
        }

        private bool IsLeased(string version) => Leases.Exists(lease => lease.Version == version);
    }
}
