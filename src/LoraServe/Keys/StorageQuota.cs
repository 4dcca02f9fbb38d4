using System.Collections.Concurrent;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Generation;
using LoraServe.Keys.Storage;
using Microsoft.EntityFrameworkCore;

namespace LoraServe.Keys;

/// <summary>
/// The adapters, and their bytes, that each key has stored: a version it uploaded under a name counts as long as the name has it.
/// Saved mixes count as adapters of no bytes.
/// </summary>
internal sealed class StorageQuota(KeyDatabase database, LlmEngine engine)
{
    /// <summary>The code of its refusals.</summary>
    public const string Code = "quota_exceeded";

    // Tokenizers, templates and the packing itself.
    private const long BytesBeside = 64L << 20;

    // In place of the version of a mix.
    private const string NoVersion = "";

    private readonly ConcurrentDictionary<string, SemaphoreSlim> _storing = new(StringComparer.Ordinal);

    /// <summary>Refuses to exceed what a caller may store.</summary>
    /// <exception cref="PermissionException">It would.</exception>
    public void Check(Caller caller, string name, long bytes)
    {
        var limits = caller.Limits;
        if (limits is { Adapters: null, AdapterBytes: null }) return;
        var stored = Stored(caller);
        var names = stored.Select(row => row.Name).Append(name).Distinct(StringComparer.Ordinal).Count();
        if (names > limits.Adapters)
            throw Exceeded($"The API key '{caller.Name}' may store {limits.Adapters} adapters: delete one of its own first.");
        var used = stored.DistinctBy(row => row.Version).Sum(row => row.Bytes);
        if (used + bytes > limits.AdapterBytes)
        {
            throw Exceeded(
                $"The API key '{caller.Name}' may store {limits.AdapterBytes} bytes of adapters, all versions of their names together; "
                + $"it has stored {used}, and this adapter has {bytes}.");
        }
    }

    /// <summary>
    /// The body of an upload, cut off as soon as it exceeds what the caller may still store: its adapter, packed or not, and
    /// the files that come with adapters and are not counted.
    /// </summary>
    public Stream Limit(Stream body, Caller caller)
    {
        if (caller.Limits.AdapterBytes is not { } limit) return body;
        var used = Stored(caller).DistinctBy(row => row.Version).Sum(row => row.Bytes);
        return new QuotaStream(body, Math.Max(0, limit - used), BytesBeside, () => Exceeded(
            $"The API key '{caller.Name}' may store {limit} bytes of adapters, all versions of their names together; it has stored {used}, and "
                + "this upload is larger than what is left."));
    }

    /// <summary>Stores an adapter for a caller; one at a time, so that no limit is exceeded.</summary>
    /// <param name="caller">Who stores it.</param>
    /// <param name="adapter">What was found in it, under its name.</param>
    /// <param name="store">Stores it.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <returns>What the name pointed at before, and what it points at now.</returns>
    /// <exception cref="PermissionException">It would be more than the caller may store.</exception>
    public Task<(AdapterInfo? Before, AdapterInfo After)> StoreAsync(
        Caller caller, AdapterInfo adapter, Func<Task<AdapterInfo>> store, CancellationToken cancellation) =>
        InTurnAsync(
            caller,
            adapter.Name,
            adapter.SizeBytes,
            before =>
            {
                // Before it is stored: files without an owner would not count. A row alone counts nothing.
                if (adapter.Version != before?.Version) Remember(caller, adapter.Name, adapter.Version.Value);
                return store();
            },
            cancellation);

    /// <summary>The same for a mix.</summary>
    public Task<(AdapterInfo? Before, AdapterInfo After)> StoreMixAsync(
        Caller caller, string name, Func<AdapterInfo> store, CancellationToken cancellation) =>
        InTurnAsync(
            caller,
            name,
            bytes: 0,
            before =>
            {
                Remember(caller, name, NoVersion);
                return Task.FromResult(store());
            },
            cancellation);

    private async Task<(AdapterInfo? Before, AdapterInfo After)> InTurnAsync(
        Caller caller, string name, long bytes, Func<AdapterInfo?, Task<AdapterInfo>> store, CancellationToken cancellation)
    {
        var storing = _storing.GetOrAdd(caller.Id, static _ => new SemaphoreSlim(1));
        var isLimited = caller.Limits is not { Adapters: null, AdapterBytes: null };
        if (isLimited) await storing.WaitAsync(cancellation);
        try
        {
            Check(caller, name, bytes);
            var before = engine.Adapters.Find(name);
            return (before, await store(before));
        }
        finally
        {
            if (isLimited) storing.Release();
        }
    }

    private void Remember(Caller caller, string name, string version) => database.Write(context =>
    {
        context.Uploads.Where(row => row.Name == name && row.Version == version).ExecuteDelete();
        return context.Uploads.Add(new UploadRow { Name = name, Version = version, KeyId = caller.Id });
    });

    private List<(string Name, string Version, long Bytes)> Stored(Caller caller)
    {
        var adapters = engine.Adapters;
        var rows = database.Read(context => context.Uploads.AsNoTracking().Where(row => row.KeyId == caller.Id).ToList());
        var stored = new List<(string, string, long)>();
        foreach (var name in rows.GroupBy(row => row.Name, StringComparer.Ordinal))
        {
            if (adapters.Find(name.Key) is not { } adapter) continue;
            if (adapter.Parts.Count > 0)
            {
                if (name.Any(row => row.Version == NoVersion)) stored.Add((name.Key, NoVersion, 0));
                continue;
            }

            var brought = name.Select(row => row.Version).ToHashSet(StringComparer.Ordinal);
            stored.AddRange(adapters.Versions(name.Key)
                .Where(version => brought.Contains(version.Version.Value))
                .Select(version => (name.Key, version.Version.Value, version.SizeBytes)));
        }

        return stored;
    }

    private static PermissionException Exceeded(string message) => new(message, Code);
}
