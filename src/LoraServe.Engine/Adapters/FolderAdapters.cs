using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Engine.Peft;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Adapters;

/// <summary>
/// Reads the folder of adapters given at start, whose content only the operator changes. What is unchanged since the last start is taken from
/// the registry without opening a file.
/// </summary>
/// <param name="admission">Checks the rest.</param>
/// <param name="registry">Records what was found.</param>
internal sealed class FolderAdapters(AdapterAdmission admission, AdapterRegistry registry)
{
    /// <summary>The adapters of a folder, recorded in the registry.</summary>
    /// <param name="parent">Each sub-folder with a PEFT configuration is an adapter; null for none.</param>
    /// <param name="content">The content of the registry.</param>
    /// <exception cref="IOException">The registry or the folder cannot be used.</exception>
    /// <exception cref="InvalidAdapterException">Adapters are refused: all faults of all of them.</exception>
    public IReadOnlyList<FolderAdapter> Read(string? parent, RegistryContent content)
    {
        var folders = parent is null ? [] : ReadFolder(parent, content);
        SaveChanges(content, folders);
        return folders;
    }

    private List<FolderAdapter> ReadFolder(string parent, RegistryContent content)
    {
        var known = content.Versions.ToDictionary(version => version.Version);
        var faults = new FaultList(refuse: null);
        var found = new List<FolderAdapter>();
        foreach (var folder in Directory.EnumerateDirectories(Path.GetFullPath(parent)).Order(StringComparer.Ordinal))
        {
            if (!File.Exists(Path.Combine(folder, PeftConfig.FileName))) continue;
            try
            {
                var adapter = FolderAdapter.At(folder);
                admission.CheckName(adapter.Name);
                found.Add(Known(adapter, content, known) ?? Check(adapter));
            }
            catch (InvalidAdapterException e)
            {
                faults.AddRange(e.Faults.Select(fault => $"{folder}: {fault}"));
            }
        }

        if (faults.Any) throw new InvalidAdapterException(AdapterFault.Incompatible, faults.Kept);
        return found;
    }

    private FolderAdapter? Known(FolderAdapter adapter, RegistryContent content, Dictionary<AdapterVersionId, KnownVersion> known) =>
        content.Folders.TryGetValue(adapter.Path, out var row) && row.Stamp == adapter.Stamp
        && known.TryGetValue(new AdapterVersionId(row.Version), out var version) && version.CheckedAgainst == admission.Rules && version.Broken is null
            ? adapter with { Version = version, Origin = RowMapping.ToOrigin(row.Origin) }
            : null;

    private FolderAdapter Check(FolderAdapter adapter)
    {
        var info = admission.Check(adapter.Name, adapter.Path, adapter.Created, inMemory: true);
        return adapter with
        {
            Version = new KnownVersion { Description = info, CheckedAgainst = admission.Rules, Created = adapter.Created },
            Origin = AdapterOrigin.Of(info, provenance: null),
        };
    }

    private void SaveChanges(RegistryContent content, List<FolderAdapter> folders)
    {
        var rows = folders.ConvertAll(folder => new FolderRow
        {
            Path = folder.Path,
            Stamp = folder.Stamp,
            Version = folder.Version!.Version.Value,
            Origin = folder.Origin is { } origin ? RowMapping.Serialize(origin) : null,
        });
        var isSame = rows.Count == content.Folders.Count && rows.TrueForAll(row =>
            content.Folders.TryGetValue(row.Path, out var old) && (old.Stamp, old.Version, old.Origin) == (row.Stamp, row.Version, row.Origin));
        var known = content.Versions.ToDictionary(version => version.Version);
        var versions = folders.Select(folder => folder.Version!).DistinctBy(version => version.Version)
            .Where(version => !known.TryGetValue(version.Version, out var old) || old != version).ToList();
        if (!isSame || versions.Count > 0) registry.SaveFolders(rows, versions);
    }
}
