using LoraServe.Engine.Storage;
using Microsoft.EntityFrameworkCore;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>The files beside a registry: a copy of each name, and the folders of versions. Not safe for concurrent use.</summary>
/// <param name="path">The registry's database.</param>
/// <param name="trash">Takes copies of names that the registry does not know.</param>
internal sealed class RegistryCopies(string path, Trash trash) : IndexCopies<RegistryContext>
{
    private readonly string _folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
    private readonly RowFiles<AliasRow> _aliases = AliasFiles.Of(path);

    public override bool Exist => _aliases.Exist;

    /// <summary>The names with their history and parts.</summary>
    public static IQueryable<AliasRow> Rows(RegistryContext context) =>
        context.Aliases.AsNoTracking().Include(row => row.History).Include(row => row.Parts).AsSplitQuery();

    public override string? WhyNotNew(RegistryContext context)
    {
        if (FindOther(context) is { } other)
            return context.Aliases.Any() ? DoesNotKnow(other) : $"{path} is empty, but there are names beside it.";
        // Versions without a registry kept names as files.
        var (versions, names) = (Path.Combine(_folder, "versions"), Path.Combine(_folder, "names"));
        if (Directory.Exists(names) && Directory.EnumerateFiles(names).Any()) return null;
        return !context.Versions.Any() && Versions().Any() ? $"{path} is empty, but {versions} holds adapters." : null;
    }

    public override string? WhyOlder(RegistryContext context, DatabaseGeneration generation)
    {
        var named = context.Set<HistoryRow>().Select(row => row.Version).ToHashSet(StringComparer.Ordinal);
        // A version that a kill kept from getting its name would have got it in the next generation.
        var newer = Versions().FirstOrDefault(folder =>
            !named.Contains(Path.GetFileName(folder)) && VersionFile.TryRead(folder)?.Generation > generation.Number + 1);
        if (newer is not null)
            return $"{path} is older than its files: it has seen {generation.Number} changes, and the version {Path.GetFileName(newer)} came later.";
        // Where the generation is behind, the copy may be of a name that was just removed.
        return !generation.IsBehind && FindOther(context) is { } other ? DoesNotKnow(other) : null;
    }

    public override void WriteAll(RegistryContext context) =>
        _aliases.Replace([.. Rows(context)], trash, "the registry of adapters does not know this name");

    /// <summary>Brings the copy of one name up to date.</summary>
    /// <param name="context">Of the registry.</param>
    /// <param name="name">Whether it still exists or not.</param>
    /// <exception cref="IOException">The copy is not written.</exception>
    public void Write(RegistryContext context, string name)
    {
        if (Rows(context).FirstOrDefault(row => row.Name == name) is { } row) _aliases.Write(row);
        else _aliases.Delete(AliasFiles.KeyOf(name));
    }

    private string DoesNotKnow(string file) => $"{path} is older than its files: it does not know the name in {file}.";

    private string? FindOther(RegistryContext context) => _aliases.Exist
        ? _aliases.FindOther(context.Aliases.Select(row => row.Name).AsEnumerable().Select(AliasFiles.KeyOf).ToHashSet(StringComparer.Ordinal))
        : null;

    private IEnumerable<string> Versions()
    {
        var folder = Path.Combine(_folder, "versions");
        return Directory.Exists(folder) ? Directory.EnumerateDirectories(folder).Where(found => AdapterStore.IsVersion(Path.GetFileName(found))) : [];
    }
}
