using System.Text.RegularExpressions;
using LoraServe.Engine.Checkpoints;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Adapters;

/// <summary>
/// The files of adapters on disk, below the data folder:
/// <code>
/// adapters/versions/SHA-256/   the two PEFT files of a version, and those of its chat templates if it has any; complete from the moment the folder exists
/// adapters/incoming/           uploads and whatever else is not yet, or no longer, part of the store
/// adapters/registry.db         names and what they point at, see <see cref="Registry.AdapterRegistry"/>
/// adapters/lock                held by the one process that uses the folder
/// </code>
/// A version reaches its place by one rename of something already flushed. It does so before a name points at it and leaves after the last
/// name has gone, so a kill at any moment leaves no name without its files. Safe for concurrent use.
/// </summary>
internal sealed partial class AdapterStore : IDisposable
{
    private readonly AdapterLimits _limits;
    private readonly ILogger _logger;
    private readonly string _folder;
    private readonly string _versions;
    private readonly string _incoming;
    private readonly string _names;
    private readonly FileStream _lock;
    private readonly Lock _gate = new();

    private AdapterStore(string folder, AdapterLimits limits, ILogger logger)
    {
        (_folder, _limits, _logger) = (folder, limits, logger);
        _versions = Directory.CreateDirectory(Path.Combine(folder, "versions")).FullName;
        _incoming = Directory.CreateDirectory(Path.Combine(folder, "incoming")).FullName;
        _names = Path.Combine(folder, "names");
        DurableDisk.FlushFolder(folder);
        _lock = Acquire(Path.Combine(folder, "lock"));
    }

    /// <summary>Opens the store, and deletes uploads that a killed process left behind.</summary>
    /// <exception cref="IOException">The folder cannot be used, or another process uses it.</exception>
    public static AdapterStore Open(string dataFolder, AdapterLimits limits, ILogger logger)
    {
        var store = new AdapterStore(Directory.CreateDirectory(Path.Combine(dataFolder, "adapters")).FullName, limits, logger);
        try
        {
            store.CheckRegistry();
            store.SweepIncoming();
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>Where the registry of this store is, or will be.</summary>
    public string RegistryPath => Path.Combine(_folder, "registry.db");

    /// <summary>The versions whose folders exist.</summary>
    public IReadOnlySet<string> Versions =>
        Directory.EnumerateDirectories(_versions).Select(folder => Path.GetFileName(folder)).Where(IsVersion).ToHashSet(StringComparer.Ordinal);

    /// <summary>Opens a temporary folder on the same disk.</summary>
    public AdapterUpload BeginUpload() => new(_incoming, _limits);

    /// <summary>The folder of the files of a version, which need not exist.</summary>
    public string FolderOf(string version) => IsVersion(version)
        ? Path.Combine(_versions, version)
        : throw new ArgumentException($"'{version}' is not a SHA-256 in lower-case hexadecimal.", nameof(version));

    /// <summary>
    /// Stores a version; it is on disk when this returns. Files of the same version that are there, and may have been damaged, are replaced.
    /// </summary>
    /// <param name="version">SHA-256 of the content of the upload.</param>
    /// <param name="uploadFolder">
    /// A folder of <see cref="BeginUpload"/> that was validated; the adapter's files are moved. What a failure leaves half done lies in it, and
    /// goes with it.
    /// </param>
    /// <exception cref="IOException">The disk is full or broken; no half of a new version is stored.</exception>
    public void Put(string version, string uploadFolder)
    {
        var versionFolder = FolderOf(version);
        lock (_gate)
            MoveVersion(uploadFolder, versionFolder);
    }

    /// <summary>Deletes a version; nothing happens if it is not there.</summary>
    public void Delete(string version)
    {
        var folder = FolderOf(version);
        var trash = Path.Combine(_incoming, Guid.NewGuid().ToString("N"));
        lock (_gate)
        {
            if (!Directory.Exists(folder))
                return;
            // Deleting takes many steps and a rename one: no half of a version is ever found under its own name.
            Directory.Move(folder, trash);
        }
        Directory.Delete(trash, recursive: true);
    }

    /// <summary>Deletes the versions that are not wanted: a kill may have come between storing one and naming it.</summary>
    public void Sweep(IReadOnlySet<string> wanted)
    {
        foreach (var version in Versions.Where(version => !wanted.Contains(version)))
        {
            Delete(version);
            LogSweptVersion(version);
        }
    }

    /// <summary>Files of names from before there was a registry.</summary>
    public IReadOnlyList<string> NameFiles => Directory.Exists(_names) ? Directory.GetFiles(_names) : [];

    /// <summary>Whether a text has the form of a version.</summary>
    public static bool IsVersion(string text) => VersionPattern().IsMatch(text);

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
        var templates = AdapterFiles.Templates.Where(fileName => File.Exists(Path.Combine(uploadFolder, fileName)));
        foreach (var fileName in (string[])[.. templates, AdapterFiles.Config, AdapterFiles.Tensors])
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

    // The registry is made before the first version is stored, so it was lost: without it, every version would be swept.
    private void CheckRegistry()
    {
        if (File.Exists(RegistryPath) || NameFiles.Count > 0 || Versions.Count == 0)
            return;
        throw new IOException(
            $"{_versions} holds {Versions.Count} adapters, but {RegistryPath} with their names is missing: restore it, or delete the folder.");
    }

    private void SweepIncoming()
    {
        foreach (var file in Directory.EnumerateFiles(_incoming))
            File.Delete(file);
        foreach (var folder in Directory.EnumerateDirectories(_incoming))
            Directory.Delete(folder, recursive: true);
    }

    [GeneratedRegex(@"\A[0-9a-f]{64}\z", RegexOptions.NonBacktracking)]
    private static partial Regex VersionPattern();

    [LoggerMessage(LogLevel.Information, "Deleted version {Version}, which no adapter is named after")]
    private partial void LogSweptVersion(string version);
}
