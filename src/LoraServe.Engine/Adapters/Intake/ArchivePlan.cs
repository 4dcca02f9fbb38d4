using LoraServe.Engine.Adapters.Store;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Adapters.Intake;

/// <summary>Decides from the entries of an archive, before anything is unpacked, which of them make up the one adapter inside.</summary>
internal sealed class ArchivePlan(AdapterLimits limits)
{
    private const int MaxShown = 5;
    private const string CheckpointPrefix = "checkpoint-";

    private readonly HashSet<ArchivePath> _files = [];
    private readonly FaultList _faults = new(faults => new InvalidAdapterException(AdapterFault.Malformed, faults));
    private int _entries;

    /// <summary>Takes note of the next entry.</summary>
    /// <exception cref="InvalidAdapterException">Too many entries, too long a path, or enough entries that are refused.</exception>
    public void Add(ArchiveEntry entry)
    {
        if (++_entries > limits.MaxEntries)
            throw new InvalidAdapterException(AdapterFault.TooLarge,
                [$"the archive has more than {limits.MaxEntries} entries, which is the limit"]);
        if (entry.Path.Length > limits.MaxPathLength)
            throw new InvalidAdapterException(AdapterFault.TooLarge,
                [$"the archive has a path of {entry.Path.Length} characters; the limit is {limits.MaxPathLength}"]);

        var path = ArchivePath.Parse(entry.Path, out var pathFault);
        var duplicate = !entry.IsFolder && !_files.Add(path) ? "is in the archive twice" : null;
        if ((pathFault ?? entry.Fault ?? duplicate) is { } fault)
            _faults.Add($"{Printable(entry.Path)} {fault}");
    }

    /// <summary>The folder inside the archive that holds the adapter, once all entries are known.</summary>
    /// <exception cref="InvalidAdapterException">An entry is refused, or there is not exactly one adapter.</exception>
    public string AdapterFolder()
    {
        _faults.ThrowIfAny();
        // Without any configuration, take the folder with weights: validation will report its missing configuration.
        var folders = FoldersOf(name => name == AdapterFiles.Config);
        if (folders.Count == 0)
            folders = FoldersOf(name => name == AdapterFiles.Tensors || AdapterFiles.IsForeign(name));
        return folders switch
        {
            [var folder] => folder,
            [var root, .. var inner] when inner.TrueForAll(folder => IsCheckpointOf(root, folder)) => root,
            [] => throw new InvalidAdapterException(AdapterFault.Malformed,
                [$"the archive holds no adapter: {AdapterFiles.Config} and {AdapterFiles.Tensors} "
                    + "are expected at the top or in one folder"]),
            _ => throw new InvalidAdapterException(AdapterFault.Malformed,
                [$"the archive holds {folders.Count} adapters, in {string.Join(", ", folders.Take(MaxShown).Select(Shown))}: "
                    + "send them one by one"]),
        };
    }

    // The output folder of a Trainer: checkpoints lie below the final adapter.
    private static bool IsCheckpointOf(string root, string folder)
    {
        var beginning = root.Length == 0 ? CheckpointPrefix : $"{root}/{CheckpointPrefix}";
        return folder.StartsWith(beginning, StringComparison.Ordinal)
            && folder.Length > beginning.Length && folder.AsSpan(beginning.Length).ContainsAnyExceptInRange('0', '9') is false;
    }

    private List<string> FoldersOf(Predicate<string> wanted) =>
        [.. _files.Where(file => wanted(file.FileName ?? "")).Select(file => file.Folder).Distinct().Order(StringComparer.Ordinal)];

    private static string Shown(string folder) => folder.Length == 0 ? "the top folder" : $"'{Printable(FaultText.Shorten(folder))}'";

    private static string Printable(string path) => string.Concat(path.Select(letter => char.IsControl(letter) ? '?' : letter));
}
