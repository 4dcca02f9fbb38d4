using System.Text.RegularExpressions;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Storage;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>
/// The files of adapters on disk, below the data folder:
/// <code>
/// adapters/versions/SHA-256/   the two PEFT files of a version, those of its chat templates if it has any, and their description, see
///                              <see cref="VersionFile"/>; complete from the moment the folder exists
/// adapters/incoming/           uploads in progress, and versions being deleted
/// adapters/registry.db         names and what they point at, see <see cref="AdapterRegistry"/>
/// adapters/registry.generation the number of its latest change, to notice an older registry.db
/// adapters/aliases/            a copy of each name, from which the registry can be rebuilt
/// adapters/lock                held by the one process that uses the folder
/// </code>
/// A version is flushed and then renamed into its place, before a name points at it, and deleted after its last name is gone. So a kill at any
/// moment leaves no name without files. Unknown files go into the trash of the data folder; only unfinished uploads are deleted. Safe for
/// concurrent use.
/// </summary>
internal sealed partial class AdapterStore : IDisposable
{
    private const string ArchiveExtension = ".archive";

    private readonly ILogger _logger;
    private readonly string _folder;
    private readonly string _versions;
    private readonly string _incoming;
    private readonly string _names;
    private readonly DataFolderLock _lock;
    private readonly Trash _trash;
    private readonly Lock _gate = new();

    private AdapterStore(string folder, Trash trash, ILogger logger)
    {
        (_folder, _trash, _logger) = (folder, trash, logger);
        _versions = OwnerOnly.CreateFolder(Path.Combine(folder, "versions"));
        _incoming = OwnerOnly.CreateFolder(Path.Combine(folder, "incoming"));
        _names = Path.Combine(folder, "names");
        DurableDisk.FlushFolder(folder);
        _lock = DataFolderLock.Take(Path.Combine(folder, "lock"));
    }

    /// <summary>Opens the store, and deletes uploads that a killed process left.</summary>
    /// <param name="dataFolder">Created if it is not there.</param>
    /// <param name="trash">Of the data folder.</param>
    /// <param name="logger">For its own log lines.</param>
    /// <exception cref="IOException">The folder cannot be used, or another process uses it.</exception>
    public static AdapterStore Open(string dataFolder, Trash trash, ILogger logger)
    {
        OwnerOnly.CreateFolder(dataFolder);
        var store = new AdapterStore(OwnerOnly.CreateFolder(Path.Combine(dataFolder, "adapters")), trash, logger);
        try
        {
            OwnerOnly.Tighten(store._folder);
            store.SweepIncoming();
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>The registry of this store, which need not exist yet.</summary>
    public string RegistryPath => Path.Combine(_folder, "registry.db");

    /// <summary>The versions whose folders exist.</summary>
    public IReadOnlySet<AdapterVersionId> Versions =>
        Directory.EnumerateDirectories(_versions).Select(folder => Path.GetFileName(folder)).Where(IsVersion)
            .Select(name => new AdapterVersionId(name)).ToHashSet();

    /// <summary>The parent of temporary folders, on the same disk.</summary>
    public string IncomingFolder => _incoming;

    /// <summary>The folder of the files of a version, which need not exist.</summary>
    public string FolderOf(AdapterVersionId version) => IsVersion(version.Value)
        ? Path.Combine(_versions, version.Value)
        : throw new ArgumentException($"'{version}' is not a SHA-256 in lower-case hexadecimal.", nameof(version));

    /// <summary>The folder of the files of a version under a name: in the store, or the folder given at start.</summary>
    public string FolderOf(AdapterAlias alias, AdapterVersionId version) => alias.Folder ?? FolderOf(version);

    /// <summary>The same for a part of a resolved reference.</summary>
    public string FolderOf(ResolvedPart part) => FolderOf(part.Alias, part.Version.Version);

    /// <summary>
    /// Stores a version durably. Existing files of the same version, which may be damaged, are replaced.
    /// </summary>
    /// <param name="staged">
    /// In a folder below <see cref="IncomingFolder"/>; its files are moved. A failure leaves the rest there.
    /// </param>
    /// <exception cref="IOException">The disk is broken; a new version is not stored in part.</exception>
    public void Put(StagedVersion staged)
    {
        var folder = FolderOf(staged.Version);
        lock (_gate)
        {
            if (Directory.Exists(folder))
            {
                Replace(staged, folder);
                return;
            }

            Directory.Move(staged.Folder, folder);
            DurableDisk.FlushFolder(_versions);
        }
    }

    /// <summary>Deletes a version; nothing happens if it is not there.</summary>
    public void Delete(AdapterVersionId version)
    {
        var folder = FolderOf(version);
        var trash = Path.Combine(_incoming, Guid.NewGuid().ToString("N"));
        lock (_gate)
        {
            if (!Directory.Exists(folder)) return;
            // Renamed first, in one step: deleting takes many, and a version must never be found in part.
            Directory.Move(folder, trash);
        }

        Directory.Delete(trash, recursive: true);
    }

    /// <summary>
    /// Moves versions without a name into the trash. A kill leaves one between storing and naming it, or between removing its last name and deleting
    /// it.
    /// </summary>
    /// <param name="wanted">Versions with names in the registry of this store.</param>
    /// <exception cref="IOException">Some stay.</exception>
    public void Sweep(IReadOnlySet<AdapterVersionId> wanted)
    {
        foreach (var version in Versions.Where(version => !wanted.Contains(version))) _trash.Take(FolderOf(version), "no adapter is named after it");
    }

    /// <summary>Files of names, written by versions without a registry.</summary>
    public IReadOnlyList<string> NameFiles => Directory.Exists(_names) ? Directory.GetFiles(_names) : [];

    /// <summary>Whether a text has the form of a version.</summary>
    public static bool IsVersion(string text) => VersionPattern().IsMatch(text);

    /// <summary>Releases the folder for another process.</summary>
    public void Dispose() => _lock.Dispose();

    // Files of one version may differ in what its hash leaves out, and are interchangeable. So a stored version is replaced file by file, and stays
    // complete at every moment if it was complete before.
    private static void Replace(StagedVersion staged, string folder)
    {
        // It has the hashes of the old files.
        File.Delete(Path.Combine(folder, VersionFile.FileName));
        foreach (var file in staged.Files) File.Move(Path.Combine(staged.Folder, file), Path.Combine(folder, file), overwrite: true);
        DurableDisk.FlushFolder(folder);
    }

    private void SweepIncoming()
    {
        foreach (var file in Directory.GetFiles(_incoming))
        {
            if (IsUpload(file)) File.Delete(file);
            else _trash.Take(file, "it is not an upload of this server");
        }

        foreach (var folder in Directory.GetDirectories(_incoming))
        {
            if (IsUpload(folder)) Directory.Delete(folder, recursive: true);
            else _trash.Take(folder, "it is not an upload of this server");
        }
    }

    // The form of names of uploads and of versions being deleted.
    private static bool IsUpload(string path)
    {
        var name = Path.GetFileName(path);
        return Guid.TryParseExact(name.EndsWith(ArchiveExtension, StringComparison.Ordinal) ? name[..^ArchiveExtension.Length] : name, "N", out _);
    }

    [GeneratedRegex(@"\A[0-9a-f]{64}\z", RegexOptions.NonBacktracking)]
    private static partial Regex VersionPattern();
}
