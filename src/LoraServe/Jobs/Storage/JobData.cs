using LoraServe.Engine.Storage;
using LoraServe.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Jobs.Storage;

/// <summary>Checks the files and jobs of a data folder without a server.</summary>
internal static class JobData
{
    /// <summary>Checks all files and jobs and changes nothing.</summary>
    /// <param name="dataFolder">No other process uses it.</param>
    /// <param name="counts">Files and jobs that were checked.</param>
    public static IReadOnlyList<DataFinding> Verify(string dataFolder, out (int Files, int Jobs) counts)
    {
        counts = default;
        var (files, training) = (Path.Combine(dataFolder, "files"), Path.Combine(dataFolder, "training"));
        var path = Path.Combine(dataFolder, "jobs.db");
        var found = new List<DataFinding>();
        found.AddRange(new JobCopies(dataFolder, new Trash(dataFolder, TimeProvider.System, NullLogger.Instance)).Read().Unreadable.Select(copy => new DataFinding(true, $"{copy} is damaged")));
        using var copy = new DatabaseCopy(path);
        copy.Stand("files", File.Exists);
        copy.Stand("training", Directory.Exists);
        copy.Stand("index/files", File.Exists);
        copy.Stand("index/jobs", File.Exists);
        try
        {
            using var folder = new DataFolder(new LoraServeOptions { Data = copy.Folder }, TimeProvider.System, NullLogger<DataFolder>.Instance);
            using var database = JobDatabase.Open(folder, rebuild: false, NullLogger.Instance);
            var (rows, jobs) = database.Read(context =>
                (context.Files.ToList(), context.Jobs.Select(row => row.Id).ToHashSet(StringComparer.Ordinal)));
            counts = (rows.Count, jobs.Count);
            foreach (var row in rows)
            {
                var file = new FileInfo(Path.Combine(files, row.Id));
                if (!file.Exists) found.Add(new(true, $"{file.FullName} is missing"));
                else if (file.Length != row.Bytes) found.Add(new(true, $"{file.FullName} has {file.Length} bytes, not {row.Bytes}"));
            }

            var known = rows.Select(row => row.Id).ToHashSet(StringComparer.Ordinal);
            found.AddRange(Unknown(Entries(files, Directory.GetFiles), known));
            found.AddRange(Unknown(Entries(training, Directory.GetDirectories), jobs));
        }
        catch (IOException e)
        {
            found.Add(new(true, copy.Explain(e.Message)));
        }

        return found;
    }

    private static string[] Entries(string folder, Func<string, string[]> list) => Directory.Exists(folder) ? list(folder) : [];

    private static IEnumerable<DataFinding> Unknown(string[] paths, HashSet<string> known) => paths
        .Where(path => !known.Contains(Path.GetFileName(path)))
        .Select(path => new DataFinding(false, $"{path} is known to no database: the next start moves it into the trash"));
}
