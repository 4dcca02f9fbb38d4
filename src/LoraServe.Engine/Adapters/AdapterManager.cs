using System.Collections.Immutable;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Lora;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace LoraServe.Engine.Adapters;

/// <summary>
/// Names, versions and residency of adapters. A name is an alias of an immutable version and can be moved; running requests keep theirs.
/// Names come from uploads, kept in the data folder, or from a folder given at start, whose names only the operator can change.
/// </summary>
public sealed partial class AdapterManager : IDisposable
{
    private readonly AdapterAdmission _admission;
    private readonly Func<string, Tensor> _baseTensor;
    private readonly ScalarType _dtype;
    private readonly Device _device;
    private readonly AdapterStore _store;
    private readonly AdapterCache _cache;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _writing = new();
    private ImmutableSortedDictionary<string, NamedAdapter> _names =
        ImmutableSortedDictionary.Create<string, NamedAdapter>(StringComparer.Ordinal);

    private AdapterManager(
        AdapterAdmission admission,
        Func<string, Tensor> baseTensor,
        ScalarType dtype,
        Device device,
        AdapterOptions options,
        TimeProvider time,
        ILogger<AdapterManager> logger)
    {
        (_admission, _baseTensor) = (admission, baseTensor);
        (_dtype, _device, _time, _logger) = (dtype, device, time, logger);
        _store = AdapterStore.Open(options.DataFolder, options.Limits, logger);
        _cache = new AdapterCache(options.MemoryBytes);
    }

    /// <summary>Bytes of all adapters in memory.</summary>
    public long ResidentBytes => _cache.Bytes;

    /// <summary>Finds the adapters of both folders and checks each of them against the base.</summary>
    /// <param name="modules">The base.</param>
    /// <param name="dtype">The compute dtype.</param>
    /// <param name="device">Where adapters are loaded to.</param>
    /// <param name="baseTensor">The base's own tensors by their names; they are only read.</param>
    /// <param name="options">Folders and limits.</param>
    /// <param name="time">Dates uploads.</param>
    /// <param name="logger">For its own log lines.</param>
    /// <exception cref="InvalidAdapterException">Adapters of the folder given at start are refused: all faults of all of them.</exception>
    internal static AdapterManager Open(
        ModelModules modules,
        ScalarType dtype,
        Device device,
        Func<string, Tensor> baseTensor,
        AdapterOptions options,
        TimeProvider time,
        ILogger<AdapterManager> logger)
    {
        var admission = new AdapterAdmission(modules, baseTensor, options.MaxRank);
        var manager = new AdapterManager(admission, baseTensor, dtype, device, options, time, logger);
        try
        {
            manager.AddStored();
            if (options.AdaptersFolder is { } folder) manager.AddFolder(folder);
            return manager;
        }
        catch
        {
            manager.Dispose();
            throw;
        }
    }

    /// <summary>All adapters, sorted by name.</summary>
    public IReadOnlyList<AdapterInfo> List() => [.. Volatile.Read(ref _names).Values.Select(named => named.Info)];

    /// <summary>The adapter of this name, or null.</summary>
    public AdapterInfo? Find(string name) => Volatile.Read(ref _names).GetValueOrDefault(name)?.Info;

    /// <summary>Opens a temporary folder to stream an upload into; disposing it leaves nothing behind.</summary>
    public AdapterUpload BeginUpload() => _store.BeginUpload();

    /// <summary>Validates an upload without storing it.</summary>
    /// <exception cref="InvalidAdapterException">It is refused; the message lists every fault.</exception>
    public Task<AdapterInfo> ValidateAsync(string name, AdapterUpload upload, CancellationToken cancellationToken) =>
        Task.Run(() => _admission.Check(name, upload.Folder, _time.GetUtcNow()), cancellationToken);

    /// <summary>Validates and stores an upload, durably, under a name.</summary>
    /// <param name="name">The alias: a letter or digit, then letters, digits, '.', '_', '-', at most 128 characters.</param>
    /// <param name="upload">What was uploaded.</param>
    /// <param name="replace">
    /// Whether the name may be moved from another version; if not, that is an <see cref="AdapterExistsException"/>.
    /// </param>
    /// <param name="cancellationToken">Leaves the store as it was.</param>
    /// <returns>The adapter; the one that is there already where name and content are the same.</returns>
    /// <exception cref="InvalidAdapterException">It is refused; the message lists every fault.</exception>
    /// <exception cref="AdapterExistsException">The name belongs to other content.</exception>
    /// <exception cref="AdapterReadOnlyException">The name comes from the folder given at start.</exception>
    public Task<AdapterInfo> AddAsync(string name, AdapterUpload upload, bool replace, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            var info = _admission.Check(name, upload.Folder, _time.GetUtcNow());
            lock (_writing)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var current = _names.GetValueOrDefault(name);
                if (current?.Info.Version == info.Version)
                {
                    // The same files again are how an adapter is mended that was damaged on disk.
                    if (!current.IsReadOnly) _store.Restore(info.Version, upload.Folder);
                    return current.Info;
                }

                if (current is { IsReadOnly: true }) throw new AdapterReadOnlyException(name);
                // A stored name that is not served belongs to another base or is damaged, and is not lost by accident either.
                if (!replace && _store.Find(name) is { } stored && stored.Version != info.Version) throw new AdapterExistsException(name);
                _store.Put(name, info.Version, upload.Folder, info.Created);
                SetName(name, new NamedAdapter(info, _store.FolderOf(info.Version), IsReadOnly: false));
                if (current is not null) ForgetIfUnnamed(current);
                LogAdded(_logger, name, info.Version, info.Rank, info.Parameters);
                return info;
            }
        },
        cancellationToken);

    /// <summary>Takes the name away; false if there was none. Running requests finish on the version they hold.</summary>
    /// <exception cref="AdapterReadOnlyException">The name comes from the folder given at start.</exception>
    public bool Remove(string name)
    {
        lock (_writing)
        {
            if (!_names.TryGetValue(name, out var named)) return _store.RemoveName(name);
            if (named.IsReadOnly) throw new AdapterReadOnlyException(name);
            _store.RemoveName(name);
            Volatile.Write(ref _names, _names.Remove(name));
            ForgetIfUnnamed(named);
            LogRemoved(_logger, name, named.Info.Version);
            return true;
        }
    }

    /// <summary>A lease on the version that the name points at now, loaded into memory if it is not yet there.</summary>
    /// <exception cref="UnknownAdapterException">No adapter has this name.</exception>
    /// <exception cref="DamagedAdapterException">Its files were changed or damaged since it was accepted.</exception>
    public async ValueTask<AdapterLease> AcquireAsync(string name, CancellationToken cancellationToken)
    {
        var named = Volatile.Read(ref _names).GetValueOrDefault(name) ?? throw new UnknownAdapterException(name);
        try
        {
            var bytes = named.Info.LoadedElements * ElementSize;
            return await _cache.AcquireAsync(named.Info.Version, bytes, () => Load(named), cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException && Volatile.Read(ref _names).GetValueOrDefault(name) != named)
        {
            // The name was moved or removed while the old version was being read.
            return await AcquireAsync(name, cancellationToken);
        }
    }

    /// <summary>Frees the adapters in memory; no lease may be left.</summary>
    public void Dispose()
    {
        _cache.Dispose();
        _store.Dispose();
    }

    private int ElementSize => _dtype == ScalarType.Float32 ? sizeof(float) : sizeof(short);

    private LoraAdapter Load(NamedAdapter named)
    {
        var info = named.Info;
        try
        {
            using var peft = _admission.Open(named.Folder, allowNoEffect: true);
            if (peft.Version != info.Version)
            {
                throw new DamagedAdapterException(
                    info.Name, $"its files have changed since it was accepted, they hash to {peft.Version} instead of {info.Version}.");
            }

            var adapter = peft.Load(_dtype, _device, _baseTensor);
            LogLoaded(_logger, info.Name, info.Version, info.Rank);
            return adapter;
        }
        catch (Exception e) when (e is InvalidAdapterException or IOException or UnauthorizedAccessException)
        {
            throw new DamagedAdapterException(info.Name, $"{e.Message}.", e);
        }
    }

    // What was uploaded for another base stays on disk and is not served: the operator may come back to that base.
    private void AddStored()
    {
        foreach (var stored in _store.Names)
        {
            try
            {
                var folder = _store.FolderOf(stored.Version);
                var info = _admission.Check(stored.Name, folder, stored.Created, allowNoEffect: true);
                if (info.Version == stored.Version) SetName(stored.Name, new NamedAdapter(info, folder, IsReadOnly: false));
                else LogNotServed(_logger, stored.Name, $"its files are damaged: they hash to {info.Version} instead of {stored.Version}");
            }
            catch (Exception e) when (e is InvalidAdapterException or IOException or UnauthorizedAccessException)
            {
                LogNotServed(_logger, stored.Name, e.Message);
            }
        }
    }

    private void AddFolder(string parent)
    {
        var faults = new List<string>();
        foreach (var folder in Directory.EnumerateDirectories(parent).Order(StringComparer.Ordinal))
        {
            var name = Path.GetFileName(folder);
            if (!File.Exists(Path.Combine(folder, PeftConfig.FileName))) continue;
            try
            {
                var info = _admission.Check(name, folder, new DateTimeOffset(Directory.GetLastWriteTimeUtc(folder)));
                if (_names.ContainsKey(name)) LogHidden(_logger, name);
                SetName(name, new NamedAdapter(info, folder, IsReadOnly: true));
            }
            catch (InvalidAdapterException e)
            {
                faults.AddRange(e.Faults.Select(fault => $"{folder}: {fault}"));
            }
        }

        if (faults.Count > 0) throw new InvalidAdapterException(AdapterFault.Incompatible, faults);
    }

    private void SetName(string name, NamedAdapter named) => Volatile.Write(ref _names, _names.SetItem(name, named));

    private void ForgetIfUnnamed(NamedAdapter old)
    {
        var stillNamed = _names.Values.Where(named => named.Info.Version == old.Info.Version).ToList();
        if (stillNamed.Count == 0) _cache.Evict(old.Info.Version);
        if (stillNamed.TrueForAll(named => named.IsReadOnly)) _store.DeleteVersion(old.Info.Version);
    }

    [LoggerMessage(LogLevel.Information, "Added adapter {Name}: version {Version}, rank {Rank}, {Parameters} parameters")]
    private static partial void LogAdded(ILogger logger, string name, string version, int rank, long parameters);

    [LoggerMessage(LogLevel.Information, "Removed adapter {Name}: version {Version}")]
    private static partial void LogRemoved(ILogger logger, string name, string version);

    [LoggerMessage(LogLevel.Information, "Loaded adapter {Name}: version {Version}, rank {Rank}")]
    private static partial void LogLoaded(ILogger logger, string name, string version, int rank);

    [LoggerMessage(LogLevel.Warning, "The stored adapter {Name} is not served: {Faults}")]
    private static partial void LogNotServed(ILogger logger, string name, string faults);

    [LoggerMessage(LogLevel.Warning, "The stored adapter {Name} is hidden by the one of the same name in the adapters folder")]
    private static partial void LogHidden(ILogger logger, string name);

    /// <summary>What a name points at.</summary>
    private sealed record NamedAdapter(AdapterInfo Info, string Folder, bool IsReadOnly);
}
