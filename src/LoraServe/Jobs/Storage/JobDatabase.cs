using LoraServe.Storage;

namespace LoraServe.Jobs.Storage;

/// <summary>The database jobs.db of a data folder.</summary>
internal sealed class JobDatabase : DurableDatabase<JobContext>
{
    private JobDatabase(string folder)
        : base(Path.Combine(folder, "jobs.db"), "jobs", options => new JobContext(options))
    {
    }

    /// <summary>Opens the database of a data folder; both are made if they are not there.</summary>
    /// <exception cref="IOException">It cannot be used.</exception>
    public static JobDatabase Open(string folder)
    {
        var database = new JobDatabase(folder);
        database.Prepare();
        return database;
    }
}
