using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Adapters;

/// <summary>
/// Adapters on disk, below the data folder:
/// <code>
/// adapters/versions/SHA-256/   the two PEFT files of a version; complete from the moment the folder exists
/// adapters/names/*.json        a name and the version it points at
/// adapters/incoming/           uploads and whatever else is not yet, or no longer, part of the store
/// adapters/lock                held by the one process that uses the folder
/// </code>
/// Every change reaches its place by one rename of something already flushed, so a kill at any moment leaves the old state or the new one.
/// Safe for concurrent use.
/// </summary>
internal sealed partial class AdapterStore : IDisposable
{
    private const int MaxNameFileBytes = 4096;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        AllowDuplicateProperties = false,
    };

    private readonly AdapterLimits _limits;
    private readonly ILogger _logger;
    private readonly string _versions;
    private readonly string _names;
    private readonly string _incoming;
    private readonly FileStream _lock;
    private readonly Lock _gate = new();
    private ImmutableSortedDictionary<string, StoredName> _byName =
        ImmutableSortedDictionary.Create<string, StoredName>(StringComparer.Ordinal);

    private AdapterStore(string folder, AdapterLimits limits, ILogger logger)
    {
        _limits = limits;
        _logger = logger;
        _versions = Directory.CreateDirectory(Path.Combine(folder, "versions")).FullName;
        _names = Directory.CreateDirectory(Path.Combine(folder, "names")).FullName;
        _incoming = Directory.CreateDirectory(Path.Combine(folder, "incoming")).FullName;
        DurableDisk.FlushFolder(folder);
        _lock = Acquire(Path.Combine(folder, "lock"));
    }

    /// <summary>Reads the names, and deletes what a killed process left behind.</summary>
    /// <exception cref="IOException">The folder cannot be used, or another process uses it.</exception>
    public static AdapterStore Open(string dataFolder, AdapterLimits limits, ILogger logger)
    {
        var store = new AdapterStore(Directory.CreateDirectory(Path.Combine(dataFolder, "adapters")).FullName, limits, logger);
        store.SweepIncoming();
        var areAllRead = store.ReadNames();
        // A version whose name cannot be read now may be wanted again once its name file is mended.
        if (areAllRead)
            store.SweepVersions();
        return store;
    }

    /// <summary>All names in ordinal order: a snapshot.</summary>
    public IReadOnlyList<StoredName> Names => [.. Volatile.Read(ref _byName).Values];

    /// <summary>Opens a temporary folder on the same disk.</summary>
    public AdapterUpload BeginUpload() => new(_incoming, _limits);

    /// <summary>The name's entry, or null.</summary>
    public StoredName? Find(string name) => Volatile.Read(ref _byName).GetValueOrDefault(name);

    /// <summary>The folder of the two PEFT files of a version, which need not exist.</summary>
    public string FolderOf(string version) =>
        VersionPattern().IsMatch(version)
            ? Path.Combine(_versions, version)
            : throw new ArgumentException($"'{version}' is not a SHA-256 in lower-case hexadecimal.", nameof(version));

    /// <summary>
    /// Stores a version, and points the name at it. Both are on disk when this returns.
    /// </summary>
    /// <param name="name">Follows <see cref="AdapterName"/>.</param>
    /// <param name="version">SHA-256 of the content of the upload.</param>
    /// <param name="uploadFolder">
    /// A folder of <see cref="BeginUpload"/> that was validated; its two files are moved. What a failure leaves half done lies in it, and
    /// goes with it.
    /// </param>
    /// <param name="created">When the name is given to the version.</param>
    public void Put(string name, string version, string uploadFolder, DateTimeOffset created)
    {
        if (!AdapterName.IsValid(name))
            throw new ArgumentException($"'{name}' is not a name for an adapter.", nameof(name));
        var versionFolder = FolderOf(version);
        lock (_gate)
        {
            MoveVersion(uploadFolder, versionFolder);
            var stored = new StoredName(name, version, created);
            WriteName(stored, Path.Combine(uploadFolder, "name"));
            Volatile.Write(ref _byName, _byName.SetItem(name, stored));
        }
    }

    /// <summary>Puts the two files of a validated upload in the place of those of its version, which may have been damaged.</summary>
    public void Restore(string version, string uploadFolder)
    {
        var versionFolder = FolderOf(version);
        lock (_gate)
            MoveVersion(uploadFolder, versionFolder);
    }

    /// <summary>Takes the name away; false if there was none. The version stays until <see cref="DeleteVersion"/>.</summary>
    public bool RemoveName(string name)
    {
        lock (_gate)
        {
            if (!_byName.ContainsKey(name))
                return false;
            File.Delete(NameFile(name));
            DurableDisk.FlushFolder(_names);
            Volatile.Write(ref _byName, _byName.Remove(name));
            return true;
        }
    }

    /// <summary>Deletes a version; false, and nothing happens, if a name points at it or it is not there.</summary>
    public bool DeleteVersion(string version)
    {
        var folder = FolderOf(version);
        var trash = Path.Combine(_incoming, Guid.NewGuid().ToString("N"));
        lock (_gate)
        {
            if (_byName.Values.Any(stored => stored.Version == version) || !Directory.Exists(folder))
                return false;
            // Deleting takes many steps and a rename one: no half of a version is ever found under its own name.
            Directory.Move(folder, trash);
        }
        Directory.Delete(trash, recursive: true);
        return true;
    }

    /// <summary>Lets another process use the folder.</summary>
    public void Dispose() => _lock.Dispose();

    private static FileStream Acquire(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new IOException($"{path}: another LoraServe uses this folder: give each its own --data. {e.Message}", e);
        }
    }

    // Files of one version may differ in what its hash leaves out, and still do in each other's place: a version that is there is replaced
    // file by file, and is whole at every moment if it was whole before.
    private void MoveVersion(string uploadFolder, string versionFolder)
    {
        var isNew = !Directory.Exists(versionFolder);
        var destination = isNew ? Directory.CreateDirectory(Path.Combine(uploadFolder, "version")).FullName : versionFolder;
        foreach (var fileName in (string[])[AdapterFiles.Config, AdapterFiles.Tensors])
        {
            DurableDisk.FlushFile(Path.Combine(uploadFolder, fileName));
            File.Move(Path.Combine(uploadFolder, fileName), Path.Combine(destination, fileName), overwrite: true);
        }
        DurableDisk.FlushFolder(destination);
        if (!isNew)
            return;
        Directory.Move(destination, versionFolder);
        DurableDisk.FlushFolder(_versions);
    }

    private void WriteName(StoredName stored, string staging)
    {
        File.WriteAllBytes(staging, JsonSerializer.SerializeToUtf8Bytes(stored, Json));
        DurableDisk.FlushFile(staging);
        File.Move(staging, NameFile(stored.Name), overwrite: true);
        DurableDisk.FlushFolder(_names);
    }

    // Names differ by case and may be reserved words of a file system; their hashes do not and cannot.
    private string NameFile(string name) =>
        Path.Combine(_names, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name))) + ".json");

    private void SweepIncoming()
    {
        foreach (var file in Directory.EnumerateFiles(_incoming))
            File.Delete(file);
        foreach (var folder in Directory.EnumerateDirectories(_incoming))
            Directory.Delete(folder, recursive: true);
    }

    private bool ReadNames()
    {
        var areAllRead = true;
        foreach (var file in Directory.EnumerateFiles(_names))
        {
            try
            {
                var stored = ReadName(file);
                _byName = _byName.SetItem(stored.Name, stored);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException or InvalidDataException)
            {
                areAllRead = false;
                LogSkippedName(file, error.Message);
            }
        }
        return areAllRead;
    }

    private StoredName ReadName(string file)
    {
        if (new FileInfo(file).Length > MaxNameFileBytes)
            throw new InvalidDataException($"it is larger than {MaxNameFileBytes} bytes");
        var stored = JsonSerializer.Deserialize<StoredName>(File.ReadAllBytes(file), Json) ?? throw new InvalidDataException("it is null");
        if (!AdapterName.IsValid(stored.Name) || NameFile(stored.Name) != file)
            throw new InvalidDataException("its name is not the one it is the file of");
        if (!VersionPattern().IsMatch(stored.Version) || !Directory.Exists(FolderOf(stored.Version)))
            throw new InvalidDataException($"there is no version '{stored.Version}'");
        return stored;
    }

    private void SweepVersions()
    {
        var wanted = _byName.Values.Select(stored => stored.Version).ToHashSet();
        foreach (var version in Directory.EnumerateDirectories(_versions).Select(folder => Path.GetFileName(folder)))
        {
            if (VersionPattern().IsMatch(version) && !wanted.Contains(version) && DeleteVersion(version))
                LogSweptVersion(version);
        }
    }

    [GeneratedRegex(@"\A[0-9a-f]{64}\z", RegexOptions.NonBacktracking)]
    private static partial Regex VersionPattern();

    [LoggerMessage(LogLevel.Warning, "Skipped the adapter of {File}: {Reason}")]
    private partial void LogSkippedName(string file, string reason);

    [LoggerMessage(LogLevel.Information, "Deleted version {Version}, which no adapter is named after")]
    private partial void LogSweptVersion(string version);
}
