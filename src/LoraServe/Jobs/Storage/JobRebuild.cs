using LoraServe.Engine.Storage;

namespace LoraServe.Jobs.Storage;

/// <summary>Builds jobs.db from the copies of its rows and the files that are there. The old database goes into the trash.</summary>
/// <param name="folder">Whose jobs.db is not open.</param>
/// <param name="trash">Of the folder.</param>
/// <param name="log">Told what was built.</param>
internal sealed partial class JobRebuild(string folder, Trash trash, ILogger log)
{
    private static readonly EnumerationOptions FilesOnly = new() { RecurseSubdirectories = false };

    /// <summary>Moves the old database into the trash.</summary>
    /// <param name="path">The database.</param>
    /// <param name="copies">Of its rows.</param>
    /// <returns>The content of a new one.</returns>
    public IndexContent<JobContext> Begin(string path, JobCopies copies)
    {
        var first = new DatabaseGeneration(path).NumberBeside() + 1;
        var (files, jobs, unreadable) = copies.Read();
        foreach (var file in unreadable) trash.Take(file, "it describes no file and no job");
        DatabaseFiles.Discard(path, trash, "the database of jobs is rebuilt");

        return new(first, context =>
        {
            var stored = Path.Combine(folder, "files");
            var known = files.Where(row => File.Exists(Path.Combine(stored, row.Id))).ToList();
            foreach (var row in files.Except(known)) LogMissing(row.Id);
            var ids = known.Select(row => row.Id).ToHashSet(StringComparer.Ordinal);
            var lost = Directory.Exists(stored)
                ? new DirectoryInfo(stored).EnumerateFiles("*", FilesOnly).Where(file => file.Name.StartsWith("file-", StringComparison.Ordinal) && !ids.Contains(file.Name))
                : [];
            context.Files.AddRange(known);
            context.Jobs.AddRange(jobs);
            context.SaveChanges();
            context.Files.AddRange(lost.Select(Describe));
            foreach (var job in jobs) context.Checkpoints.AddRange(Checkpoints(job.Id));
            context.SaveChanges();
            LogRebuilt(context.Files.Count(), jobs.Count);
        });
    }

    // The owner is not known, so that only an admin sees the file.
    private static FileRow Describe(FileInfo file) => new()
    {
        Id = file.Name,
        Owner = "",
        Name = file.Name,
        Purpose = Files.FilePurpose.FineTune,
        Bytes = file.Length,
        Created = new DateTimeOffset(file.LastWriteTimeUtc),
        Expires = null,
        Fault = null,
    };

    private IEnumerable<CheckpointRow> Checkpoints(string id)
    {
        const string Parent = "run/checkpoints";
        const string Prefix = "step-";
        var place = new DirectoryInfo(Path.Combine(folder, "training", id, Parent));
        if (!place.Exists) yield break;
        foreach (var step in place.EnumerateDirectories($"{Prefix}*").OrderBy(step => step.Name.Length).ThenBy(step => step.Name, StringComparer.Ordinal))
        {
            if (!int.TryParse(step.Name[Prefix.Length..], out var number)) continue;
            yield return new CheckpointRow { JobId = id, Step = number, Created = new DateTimeOffset(step.LastWriteTimeUtc), Folder = $"{Parent}/{step.Name}" };
        }
    }

    [LoggerMessage(LogLevel.Warning, "The database of jobs was rebuilt: {Files} files, {Jobs} jobs. What happened to jobs is lost")]
    private partial void LogRebuilt(int files, int jobs);

    [LoggerMessage(LogLevel.Warning, "The content of {File} is lost")]
    private partial void LogMissing(string file);
}
