using System.Text.Json;
using LoraServe.Engine.Storage;

namespace LoraServe.Jobs.Storage;

/// <summary>
/// A copy of each row of files and jobs as a file of its own, index/files/ID.json and index/jobs/ID.json below the data folder. Safe for
/// concurrent use as long as one id is not written twice at the same time.
/// </summary>
/// <param name="dataFolder">Exists.</param>
/// <param name="trash">Receives copies of what the database does not know.</param>
internal sealed class JobCopies(string dataFolder, Trash trash) : IndexCopies<JobContext>
{
    private const int MaxBytes = 64 << 20;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { RespectNullableAnnotations = true };

    private readonly RowFiles<FileRow> _files = new(Path.Combine(dataFolder, "index", "files"), row => row.Id, Json) { MaxBytes = MaxBytes };
    private readonly RowFiles<JobRow> _jobs = new(Path.Combine(dataFolder, "index", "jobs"), row => row.Id, Json) { MaxBytes = MaxBytes };

    public override bool Exist => _files.Exist && _jobs.Exist;

    /// <summary>Writes the copy of a file's row.</summary>
    public void Write(FileRow row) => _files.Write(row);

    /// <summary>Writes the copy of a job's row.</summary>
    public void Write(JobRow row) => _jobs.Write(row);

    /// <summary>Deletes the copies of files and jobs, if there are any.</summary>
    public void Delete(params IReadOnlyCollection<string> ids)
    {
        _files.Delete(ids);
        _jobs.Delete(ids);
    }

    public override string? WhyNotNew(JobContext context)
    {
        if (context.Files.Any() || context.Jobs.Any()) return FindOther(context) is { } other ? DoesNotKnow(other) : null;
        var (files, jobs) = (Path.Combine(dataFolder, "files"), Path.Combine(dataFolder, "training"));
        return (Exist && (_files.HasAny || _jobs.HasAny))
            || (Directory.Exists(files) && Directory.EnumerateFiles(files, "file-*").Any())
            || (Directory.Exists(jobs) && Directory.EnumerateDirectories(jobs).Any())
            ? $"jobs.db of {dataFolder} is empty, but there are files and jobs beside it."
            : null;
    }

    // If the generation is behind, the copy may be of a row that was just deleted.
    public override string? WhyOlder(JobContext context, DatabaseGeneration generation) =>
        !generation.IsBehind && FindOther(context) is { } other ? DoesNotKnow(other) : null;

    public override void WriteAll(JobContext context)
    {
        const string Reason = "the database of jobs does not know what it describes";
        OwnerOnly.CreateFolder(Path.Combine(dataFolder, "index"));
        _files.Replace([.. context.Files], trash, Reason);
        _jobs.Replace([.. context.Jobs], trash, Reason);
    }

    /// <summary>The rows that can be read, the oldest first, and the files that cannot.</summary>
    public (IReadOnlyList<FileRow> Files, IReadOnlyList<JobRow> Jobs, IReadOnlyList<string> Unreadable) Read()
    {
        if (!Exist) return ([], [], []);
        var ((files, unreadableFiles), (jobs, unreadableJobs)) = (_files.Read(), _jobs.Read());
        return ([.. files.OrderBy(row => row.Number)], [.. jobs.OrderBy(row => row.Number)], [.. unreadableFiles, .. unreadableJobs]);
    }

    private string DoesNotKnow(string copy) => $"jobs.db of {dataFolder} is older than its files: it does not know what {copy} describes.";

    private string? FindOther(JobContext context) => Exist
        ? _files.FindOther(context.Files.Select(row => row.Id).ToHashSet(StringComparer.Ordinal))
            ?? _jobs.FindOther(context.Jobs.Select(row => row.Id).ToHashSet(StringComparer.Ordinal))
        : null;
}
