using System.Collections.Immutable;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Text.Faults;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Adapters;

/// <summary>
/// Reads names and versions at start. Versions checked before against the same base by the same rules are taken from the
/// registry without opening a file; others are checked when first used.
/// </summary>
internal sealed partial class AdapterStartup(
    AdapterAdmission admission, AdapterStore store, AdapterRegistry registry, ILogger logger)
{
    private const int MaxBasesShown = 5;
    private const int MaxNamesShown = 5;
    private const string NotCheckedYet = "It was accepted for another base or by other rules and is checked again when it is first used.";

    /// <summary>The names of both folders.</summary>
    /// <param name="adaptersFolder">Folder whose sub-folders are adapters that cannot be changed over HTTP, or null.</param>
    /// <exception cref="IOException">The registry cannot be used.</exception>
    /// <exception cref="InvalidAdapterException">Adapters of the folder are refused: all faults of all of them.</exception>
    public AdapterCatalog Read(string? adaptersFolder)
    {
        var content = registry.Read();
        if (ImportNames(content)) content = registry.Read();
        var stored = content.Aliases.SelectMany(alias => alias.History).Select(entry => entry.Version).ToHashSet();
        if (store.NameFiles.Count == 0) store.Sweep(stored);
        var catalog = AddStored(content, stored);
        DescribeFolders(catalog);
        var folders = new FolderAdapters(admission, registry).Read(adaptersFolder, content);
        var all = folders.Aggregate(catalog, (names, folder) => AddFolder(names, folder, content.Aliases));
        WarnOfOtherBases(all);
        return all;
    }

    // One line per base named, not per adapter: a base may be served under another name.
    private void WarnOfOtherBases(AdapterCatalog catalog)
    {
        var adapters = catalog.Aliases.Values.Where(alias => !alias.IsMix)
            .Select(alias => (alias.Name, Base: alias.Describe(catalog.Versions[alias.Current!.Value]).BaseModelName))
            .Where(adapter => admission.IsOtherBase(adapter.Base))
            .GroupBy(adapter => adapter.Base!, adapter => adapter.Name, StringComparer.Ordinal);
        foreach (var names in adapters.OrderByDescending(group => group.Count()).Take(MaxBasesShown))
        {
            var shown = string.Join(", ", names.Take(MaxNamesShown));
            var more = names.Count() > MaxNamesShown ? $" and {names.Count() - MaxNamesShown} more" : "";
            LogOtherBase(logger, FaultText.Shorten(names.Key), admission.BaseName, $"{shown}{more}");
        }
    }

    // Names were files before there was a registry. What cannot be migrated now, for example because it belongs to another base, stays.
    private bool ImportNames(RegistryContent content)
    {
        var hasImported = false;
        foreach (var file in store.NameFiles)
        {
            if (StoredName.TryRead(file) is not { } name || Describe(name.Version) is not { } version)
            {
                LogNotImported(logger, file);
                continue;
            }

            var alias = new AdapterAlias { Name = name.Name, Created = name.Created };
            if (content.Aliases.All(known => known.Name != name.Name)) registry.Save(alias.MoveTo(name.Version, name.Created), version);
            File.Delete(file);
            hasImported = true;
        }

        return hasImported;
    }

    private AdapterCatalog AddStored(RegistryContent content, HashSet<AdapterVersionId> stored)
    {
        var present = store.Versions;
        var versions = content.Versions.Where(known => stored.Contains(known.Version)).Select(known => Judge(known, present)).ToList();
        var known = versions.Select(version => version.Version).ToHashSet();
        versions.AddRange(stored.Where(version => !known.Contains(version)).Select(Describe).OfType<KnownVersion>());
        var catalog = AdapterCatalog.Empty.With(versions);
        foreach (var alias in content.Aliases.Where(alias => alias.IsMix || alias.Current is not null))
            catalog = Add(catalog, alias);
        return catalog;
    }

    // Versions of earlier releases have no version.json, and damaged ones may not either. What cannot be written now can be at the
    // next start.
    private void DescribeFolders(AdapterCatalog catalog)
    {
        var (failed, first) = (0, (Folder: "", Reason: ""));
        foreach (var known in catalog.Versions.Values)
        {
            var folder = store.FolderOf(known.Version);
            if (!Directory.Exists(folder) || VersionFile.TryRead(folder) is not null) continue;
            var name = catalog.Aliases.Values.FirstOrDefault(alias => alias.History.Any(entry => entry.Version == known.Version))?.Name ?? "";
            try
            {
                new VersionFile { Version = known.Version.Value, Name = name, Known = known, Generation = registry.Generation }.Write(folder);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                if (failed++ == 0) first = (folder, e.Message);
            }
        }

        if (failed > 0) LogNotDescribed(logger, failed, first.Folder, first.Reason);
    }

    private AdapterCatalog Add(AdapterCatalog catalog, AdapterAlias alias)
    {
        var missing = alias.History.Find(entry => !catalog.Versions.ContainsKey(entry.Version));
        if (AdapterName.IsValid(alias.Name) && missing is null)
        {
            if (admission.Reservation(alias.Name) is { } reason) LogReserved(logger, alias.Name, reason);
            return catalog.With(alias);
        }

        LogNotServed(
            logger,
            alias.Name,
            missing is null ? $"expected {AdapterName.Rule}" : $"the files of its version {missing.Version} cannot be read");
        return catalog with { Hidden = catalog.Hidden.Union(alias.History.Select(entry => entry.Version)) };
    }

    // A broken version may have been mended while the server was down: its next use shows.
    private KnownVersion Judge(KnownVersion known, IReadOnlySet<AdapterVersionId> present) => known switch
    {
        _ when !present.Contains(known.Version) => known with { CheckedAgainst = "", Broken = "Its files are missing." },
        { Broken: not null } => known with { CheckedAgainst = "" },
        _ when known.CheckedAgainst != admission.Rules => known with { Broken = NotCheckedYet },
        _ => known,
    };

    // For a version whose description is missing or of another release.
    private KnownVersion? Describe(AdapterVersionId version)
    {
        try
        {
            var info = admission.Check("unnamed", store.FolderOf(version), DateTimeOffset.UnixEpoch, allowNoEffect: true, inMemory: true);
            return info.Version == version
                ? new KnownVersion { Description = info, CheckedAgainst = admission.Rules, Created = DateTimeOffset.UnixEpoch }
                : null;
        }
        catch (Exception e) when (e is InvalidAdapterException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private AdapterCatalog AddFolder(AdapterCatalog catalog, FolderAdapter folder, IReadOnlyList<AdapterAlias> stored)
    {
        var settings = stored.FirstOrDefault(alias => alias.Name == folder.Name);
        if (catalog.Find(folder.Name) is { } hidden)
        {
            LogHidden(logger, folder.Name);
            catalog = catalog with { Hidden = catalog.Hidden.Union(hidden.History.Select(entry => entry.Version)) };
        }

        var version = folder.Version!;
        var alias = (settings ?? new AdapterAlias { Name = folder.Name, Created = folder.Created }) with
        {
            Current = version.Version,
            History = [new AliasVersion(version.Version, folder.Created, 0) { Origin = folder.Origin }],
            Parts = [],
            Folder = folder.Path,
        };
        return catalog.With(alias, catalog.Versions.GetValueOrDefault(version.Version) is { Broken: null } same ? same : version);
    }

    [LoggerMessage(LogLevel.Warning, "Adapters made for {Base} are served on {Served}: {Adapters}")]
    private static partial void LogOtherBase(ILogger logger, string @base, string served, string adapters);

    [LoggerMessage(LogLevel.Warning, "The name of the stored adapter {Name} {Reason}, so that requests may mean something else. Give it another: "
        + "download it from /v1/adapters/{Name}/archive, upload it under the new name, and DELETE /v1/adapters/{Name}")]
    private static partial void LogReserved(ILogger logger, string name, string reason);

    [LoggerMessage(LogLevel.Warning, "The stored adapter {Name} is not served: {Faults}")]
    private static partial void LogNotServed(ILogger logger, string name, string faults);

    [LoggerMessage(LogLevel.Warning, "Versions that get no file that says what is in them: {Count}, such as {Folder}: {Reason}")]
    private static partial void LogNotDescribed(ILogger logger, int count, string folder, string reason);

    [LoggerMessage(LogLevel.Warning, "The name in {File} is not served: its adapter cannot be read or belongs to another base")]
    private static partial void LogNotImported(ILogger logger, string file);

    [LoggerMessage(LogLevel.Warning, "The stored adapter {Name} is hidden by the one of the same name in the adapters folder")]
    private static partial void LogHidden(ILogger logger, string name);
}
