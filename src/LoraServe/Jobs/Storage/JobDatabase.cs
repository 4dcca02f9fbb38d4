using LoraServe.Engine.Storage;
using LoraServe.Storage;
using Microsoft.Data.Sqlite;

namespace LoraServe.Jobs.Storage;

/// <summary>
/// The database jobs.db of a data folder. A generation beside it tells whether it is the one that the files and job folders belong to, and
/// copies of its rows let it be built again.
/// </summary>
internal sealed partial class JobDatabase : DurableDatabase<JobContext>
{
    private readonly string _folder;
    private readonly DatabaseGeneration _generation;
    private readonly JobCopies _copies;
    private readonly Trash _trash;
    private readonly DiskReserve _reserve;
    private readonly ILogger _log;
    private readonly Lock _entries = new();
    private Action<JobContext>? _fill;
    private long _first = 1;

    private JobDatabase(DataFolder folder, string path, ILogger log)
        : base(path, "jobs", options => new JobContext(options))
    {
        (_folder, _trash, _reserve, _log) = (folder.Path, folder.Trash, folder.Reserve, log);
        _generation = new DatabaseGeneration(path);
        _copies = new JobCopies(folder.Path);
    }

    /// <summary>Opens the database of a data folder, which is made if it is not there.</summary>
    /// <param name="folder">The data folder.</param>
    /// <param name="rebuild">Whether one that is damaged or not that of the files is built from them, where what happened to jobs is lost.</param>
    /// <param name="log">Told of what a killed process left.</param>
    /// <exception cref="IOException">It cannot be used, or is not the one that belongs to the files; the message says how to go on.</exception>
    public static JobDatabase Open(DataFolder folder, bool rebuild, ILogger log)
    {
        var path = Path.Combine(folder.Path, "jobs.db");
        try
        {
            return new JobDatabase(folder, path, log).Opened();
        }
        catch (InvalidDatabaseException) when (rebuild)
        {
            var database = new JobDatabase(folder, path, log);
            database._first = database._generation.NumberBeside() + 1;
            database._fill = new JobRebuild(folder.Path, folder.Trash, log).Begin(path, database._copies);
            return database.Opened();
        }
    }

    /// <summary>Makes one change of which files and jobs exist, whole or not at all.</summary>
    /// <param name="change">Of the tables.</param>
    /// <param name="copy">Of what was changed, once it is.</param>
    /// <exception cref="IOException">Nothing was changed.</exception>
    public T WriteEntries<T>(Func<JobContext, T> change, Action<JobCopies, T> copy) => WriteEntries(change, static _ => true, copy);

    /// <summary>The same for a change that may turn out to be none that is copied.</summary>
    /// <param name="change">Of the tables.</param>
    /// <param name="isCopied">Whether what it made is copied.</param>
    /// <param name="copy">Of what was changed, once it is.</param>
    /// <exception cref="IOException">Nothing was changed.</exception>
    public T WriteEntries<T>(Func<JobContext, T> change, Func<T, bool> isCopied, Action<JobCopies, T> copy)
    {
        lock (_entries)
        {
            var wasBehind = _generation.IsBehind;
            var result = Write(context =>
            {
                var made = change(context);
                if (isCopied(made)) _generation.Raise(Writing);
                return made;
            });
            if (!isCopied(result)) return result;
            Copy(() => UseWriting((context, connection) =>
            {
                if (wasBehind) _copies.Replace(context, _trash);
                else copy(_copies, result);
                _generation.Commit(connection);
            }));
            return result;
        }
    }

    /// <summary>Takes files and jobs away, also on a full disk.</summary>
    /// <param name="change">Of the tables.</param>
    /// <param name="ids">Of what it takes away.</param>
    /// <exception cref="IOException">Nothing was changed.</exception>
    public T DeleteEntries<T>(Func<JobContext, T> change, params IReadOnlyCollection<string> ids) =>
        _reserve.Delete(() => WriteEntries(change, (copies, _) => copies.Delete(ids)));

    private JobDatabase Opened()
    {
        _generation.CheckExists();
        Prepare(_log);
        return this;
    }

    protected override string Advice => "Bring it back from a backup, or start once with --rebuild-registry.";

    protected override void Check(SqliteConnection connection) => _generation.Check(connection);

    protected override void Complete(JobContext context, SqliteConnection connection)
    {
        // A kill before its end leaves an empty one, which is refused beside files.
        using (var transaction = context.Database.BeginTransaction())
        {
            _fill?.Invoke(context);
            context.ChangeTracker.Clear();
            _generation.Open(connection, _first, () => _fill is null ? WhyNotNew(context) : null);
            if (!_generation.IsBehind && _copies.FindOther(context) is { } other) throw _generation.Refusal(DoesNotKnow(other));
            transaction.Commit();
        }

        if (!_generation.IsBehind && _copies.Exist) return;
        _copies.Replace(context, _trash);
        _generation.Commit(connection);
    }

    private string? WhyNotNew(JobContext context)
    {
        var isEmpty = !context.Files.Any() && !context.Jobs.Any();
        if (!isEmpty) return _copies.FindOther(context) is { } other ? DoesNotKnow(other) : null;
        var (files, jobs) = (Path.Combine(_folder, "files"), Path.Combine(_folder, "training"));
        return _copies.HasAny || (Directory.Exists(files) && Directory.EnumerateFiles(files, "file-*").Any())
            || (Directory.Exists(jobs) && Directory.EnumerateDirectories(jobs).Any())
            ? $"jobs.db of {_folder} is empty, but there are files and jobs beside it."
            : null;
    }

    private string DoesNotKnow(string copy) => $"jobs.db of {_folder} is older than its files: it does not know what {copy} describes.";

    // The change is made, whatever fails now: nobody may hear that it is not. The generation stays behind until the next change, or the next
    // start, has written all copies.
    private void Copy(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e)
        {
            LogNoCopies(e.Message);
        }
    }

    [LoggerMessage(LogLevel.Warning, "What the database of jobs says is not copied beside it, which rebuilding it would need: {Reason}")]
    private partial void LogNoCopies(string reason);
}
