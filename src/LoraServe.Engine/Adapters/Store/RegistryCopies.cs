using LoraServe.Engine.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>
/// What lies beside a registry: a copy of each name, and the folders of versions. Tells whether they belong to the registry, and keeps the
/// copies those of it. Not safe for concurrent use.
/// </summary>
/// <param name="path">The registry's database.</param>
/// <param name="generation">Of that database.</param>
/// <param name="trash">Takes copies of names that the registry does not know.</param>
internal sealed class RegistryCopies(string path, DatabaseGeneration generation, Trash trash)
{
    private readonly string _folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
    private readonly AliasFiles _aliases = new(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, "aliases"));

    /// <summary>The names with their history and parts.</summary>
    public static IQueryable<AliasRow> Rows(RegistryContext context) =>
        context.Aliases.AsNoTracking().Include(row => row.History).Include(row => row.Parts).AsSplitQuery();

    /// <summary>Why a registry without a generation can be neither new nor of an earlier release, null if it can.</summary>
    public string? WhyNotNew(RegistryContext context)
    {
        if (FindOther(context) is { } other)
            return context.Aliases.Any() ? DoesNotKnow(other) : $"{path} is empty, but there are names beside it.";
        // Names were files before there was a registry.
        var (versions, names) = (Path.Combine(_folder, "versions"), Path.Combine(_folder, "names"));
        if (Directory.Exists(names) && Directory.EnumerateFiles(names).Any()) return null;
        return !context.Versions.Any() && Versions().Any() ? $"{path} is empty, but {versions} holds adapters." : null;
    }

    /// <summary>Refuses a registry that is older than what lies beside it. Changes nothing.</summary>
    /// <exception cref="InvalidDatabaseException">It is; the message says how to go on.</exception>
    public void Check(RegistryContext context)
    {
        var named = context.Set<HistoryRow>().Select(row => row.Version).ToHashSet(StringComparer.Ordinal);
        // What a kill kept from getting its name would have got it in the next generation.
        var newer = Versions().FirstOrDefault(folder =>
            !named.Contains(Path.GetFileName(folder)) && VersionFile.TryRead(folder)?.Generation > generation.Number + 1);
        if (newer is not null)
        {
            throw generation.Refusal(
                $"{path} is older than its files: it has seen {generation.Number} changes, and the version {Path.GetFileName(newer)} came later.");
        }

        // Where the generation is behind, it may be of a name that was just removed.
        if (!generation.IsBehind && FindOther(context) is { } other) throw generation.Refusal(DoesNotKnow(other));
    }

    /// <summary>Makes the copies those of the registry, where they may not be.</summary>
    /// <exception cref="IOException">Not all are written.</exception>
    public void Complete(RegistryContext context, SqliteConnection connection)
    {
        if (generation.IsBehind || !_aliases.Exist) WriteAll(context, connection);
    }

    /// <summary>Makes the copies those of the registry.</summary>
    /// <exception cref="IOException">Not all are written.</exception>
    public void WriteAll(RegistryContext context, SqliteConnection connection)
    {
        context.ChangeTracker.Clear();
        _aliases.Replace([.. Rows(context)], trash);
        generation.Commit(connection);
    }

    /// <summary>Makes the copy of a name that of the registry, all others being so.</summary>
    /// <param name="context">Of the registry.</param>
    /// <param name="connection">The same.</param>
    /// <param name="name">Null where no name was changed.</param>
    /// <exception cref="IOException">It is not written.</exception>
    public void Write(RegistryContext context, SqliteConnection connection, string? name)
    {
        context.ChangeTracker.Clear();
        if (name is not null && Rows(context).FirstOrDefault(row => row.Name == name) is { } row) _aliases.Write(row);
        else if (name is not null) _aliases.Delete(name);
        generation.Commit(connection);
    }

    private string DoesNotKnow(string file) => $"{path} is older than its files: it does not know the name in {file}.";

    private string? FindOther(RegistryContext context) => _aliases.Exist ? _aliases.FindOther([.. context.Aliases.Select(row => row.Name)]) : null;

    private IEnumerable<string> Versions()
    {
        var folder = Path.Combine(_folder, "versions");
        return Directory.Exists(folder) ? Directory.EnumerateDirectories(folder).Where(found => AdapterStore.IsVersion(Path.GetFileName(found))) : [];
    }
}
