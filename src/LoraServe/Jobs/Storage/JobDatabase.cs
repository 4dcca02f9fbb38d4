using LoraServe.Engine.Storage;
using LoraServe.Storage;

namespace LoraServe.Jobs.Storage;

/// <summary>The database jobs.db of a data folder: the index of its files and of its folders of jobs.</summary>
internal sealed class JobDatabase : IndexDatabase<JobContext>
{
    private readonly JobCopies _copies;

    private JobDatabase(string path, JobCopies copies, DiskReserve reserve, ILogger log)
        : base(new DatabaseGeneration(path), "database of jobs", copies, reserve, log, options => new JobContext(options)) => _copies = copies;

    /// <summary>Opens the database of a data folder; creates it if it does not exist.</summary>
    /// <param name="folder">The data folder.</param>
    /// <param name="rebuild">
    /// Whether a database that is damaged, or is not the one that the files belong to, is rebuilt from them. The events of jobs are lost then.
    /// </param>
    /// <param name="log">Receives what a killed process left.</param>
    /// <exception cref="IOException">It cannot be used, or is not the one that the files belong to; the message says how to go on.</exception>
    public static JobDatabase Open(DataFolder folder, bool rebuild, ILogger log)
    {
        var path = Path.Combine(folder.Path, "jobs.db");
        var copies = new JobCopies(folder.Path, folder.Trash);
        try
        {
            return Open(rebuilt: null);
        }
        catch (InvalidDatabaseException) when (rebuild)
        {
            return Open(new JobRebuild(folder.Path, folder.Trash, log).Begin(path, copies));
        }

        JobDatabase Open(IndexContent<JobContext>? rebuilt)
        {
            var database = new JobDatabase(path, copies, folder.Reserve, log);
            database.Open(rebuilt);
            return database;
        }
    }

    /// <summary>Changes which files and jobs exist, in one transaction.</summary>
    /// <param name="change">Of the tables.</param>
    /// <param name="copy">Copies what was changed, after the change.</param>
    /// <exception cref="IOException">Nothing was changed.</exception>
    public T WriteEntries<T>(Func<JobContext, T> change, Action<JobCopies, T> copy) => WriteEntries(change, static _ => true, copy);

    /// <summary>The same for a change that may change nothing.</summary>
    /// <param name="change">Of the tables.</param>
    /// <param name="isCopied">Whether the result of the change needs a copy.</param>
    /// <param name="copy">Copies what was changed, after the change.</param>
    /// <exception cref="IOException">Nothing was changed.</exception>
    public T WriteEntries<T>(Func<JobContext, T> change, Func<T, bool> isCopied, Action<JobCopies, T> copy) =>
        Change(change, isCopied, (_, result) => copy(_copies, result));

    /// <summary>Deletes files and jobs, also on a full disk.</summary>
    /// <param name="change">Of the tables.</param>
    /// <param name="ids">The files and jobs.</param>
    /// <exception cref="IOException">Nothing was changed.</exception>
    public T DeleteEntries<T>(Func<JobContext, T> change, params IReadOnlyCollection<string> ids) => Delete(change, (_, _) => _copies.Delete(ids));
}
