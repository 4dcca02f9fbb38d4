using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Adapters.Store;

namespace LoraServe.Engine.Adapters;

/// <summary>From references to leases on adapters in memory: resolve, check, load, lease.</summary>
/// <param name="names">Resolve references.</param>
/// <param name="checks">Check versions before use.</param>
/// <param name="residents">Load and lease it.</param>
/// <param name="uses">Count requests by name.</param>
/// <param name="random">Chooses versions by their split.</param>
internal sealed class AdapterAcquisition(
    AdapterNames names, VersionChecks checks, AdapterResidents residents, AdapterUses uses, Random random)
{
    /// <summary>
    /// A lease on the version that a reference means now, or on the mix of several, loaded into memory if it is not yet there. Where a name
    /// is split between versions, this request gets one of them at random; the lease says which.
    /// </summary>
    /// <exception cref="UnknownAdapterException">A name or version does not exist.</exception>
    /// <exception cref="InvalidAdapterReferenceException">The reference cannot be a mix, or a version is ambiguous.</exception>
    /// <exception cref="DamagedAdapterException">Its files were changed or damaged since it was accepted.</exception>
    /// <exception cref="AdapterCacheFullException">There is no memory for it.</exception>
    /// <exception cref="AdapterTooLargeException">It does not fit the budget.</exception>
    public ValueTask<AdapterLease> AcquireAsync(AdapterReference reference, CancellationToken cancellationToken) =>
        AcquireAsync(reference, Chance, cancellationToken);

    /// <summary>The same, but where a name is split, the version that it points at.</summary>
    public ValueTask<AdapterLease> AcquireCurrentAsync(AdapterReference reference, CancellationToken cancellationToken) =>
        AcquireAsync(reference, static () => 1, cancellationToken);

    private async ValueTask<AdapterLease> AcquireAsync(AdapterReference reference, Func<double> chance, CancellationToken cancellationToken)
    {
        while (true)
        {
            var resolved = names.Catalog.Resolve(reference, chance);
            uses.Begin(resolved.Names);
            var isLeased = false;
            try
            {
                var lease = await AcquireAsync(resolved, cancellationToken);
                isLeased = true;
                return lease;
            }
            catch (Exception e) when (e is not OperationCanceledException && !names.Catalog.Holds(resolved))
            {
                // A name was moved or removed, or a version mended, while the old one was read.
            }
            finally
            {
                if (!isLeased) uses.End(resolved.Names);
            }
        }
    }

    private async ValueTask<AdapterLease> AcquireAsync(ResolvedAdapter resolved, CancellationToken cancellationToken)
    {
        resolved = await checks.CheckAsync(resolved, cancellationToken);
        try
        {
            var lease = await residents.HoldAsync(resolved, cancellationToken);
            return new AdapterLease(lease, () => uses.End(resolved.Names))
            {
                Name = resolved.Name,
                Mode = resolved.Mode,
                EngineShare = resolved.Share,
                ChatTemplates = residents.TemplatesOf(lease.Adapter),
            };
        }
        catch (DamagedVersionException e)
        {
            throw e.In(resolved);
        }
    }

    private double Chance()
    {
        lock (random) return random.NextDouble();
    }
}
