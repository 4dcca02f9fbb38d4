using System.Text.Json;
using LoraServe.Engine.Storage;

namespace LoraServe.Jobs.Storage;

/// <summary>
/// A copy of each row of files and jobs as a file of its own, index/files/ID.json and index/jobs/ID.json below the data folder, from which the
/// database can be built again. Safe for concurrent use as long as one id is not written twice at the same time.
/// </summary>
/// <param name="dataFolder">Exists.</param>
internal sealed class JobCopies(string dataFolder)
{
    private const string Extension = ".json";
    private const int MaxBytes = 64 << 20;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { RespectNullableAnnotations = true };

    private readonly string _files = Path.Combine(dataFolder, "index", "files");
    private readonly string _jobs = Path.Combine(dataFolder, "index", "jobs");

    /// <summary>Whether there is a folder of them.</summary>
    public bool Exist => Directory.Exists(_files) && Directory.Exists(_jobs);

    /// <summary>Whether there is a copy of anything.</summary>
    public bool HasAny => Exist && (Paths(_files).Length > 0 || Paths(_jobs).Length > 0);

    /// <summary>Writes the copy of a file's row.</summary>
    public void Write(FileRow row) => Write(_files, row.Id, row);

    /// <summary>Writes the copy of a job's row.</summary>
    public void Write(JobRow row) => Write(_jobs, row.Id, row);

    /// <summary>Deletes the copies of files and jobs, if there are any.</summary>
    public void Delete(params IReadOnlyCollection<string> ids)
    {
        foreach (var id in ids)
        {
            if (!Exist) return;
            File.Delete(PathOf(_files, id));
            File.Delete(PathOf(_jobs, id));
        }

        Flush();
    }

    /// <summary>A copy of what a database does not know, or null.</summary>
    public string? FindOther(JobContext context)
    {
        if (!Exist) return null;
        var ids = context.Files.Select(row => row.Id).Concat(context.Jobs.Select(row => row.Id)).ToHashSet(StringComparer.Ordinal);
        return Paths(_files).Concat(Paths(_jobs)).FirstOrDefault(path => !ids.Contains(Path.GetFileNameWithoutExtension(path)));
    }

    /// <summary>Makes the copies those of a database; those of what it does not know go into the trash: they may be the only ones.</summary>
    /// <exception cref="IOException">Not all are written or moved.</exception>
    public void Replace(JobContext context, Trash trash)
    {
        OwnerOnly.CreateFolder(Path.GetDirectoryName(_files)!);
        OwnerOnly.CreateFolder(_files);
        OwnerOnly.CreateFolder(_jobs);
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (var row in context.Files)
        {
            Write(row);
            ids.Add(row.Id);
        }

        foreach (var row in context.Jobs)
        {
            Write(row);
            ids.Add(row.Id);
        }

        foreach (var path in Paths(_files).Concat(Paths(_jobs)).Where(path => !ids.Contains(Path.GetFileNameWithoutExtension(path))))
            trash.Take(path, "the database of jobs does not know what it describes");
        Flush();
    }

    /// <summary>The rows that can be read, the oldest first, and the files that cannot.</summary>
    public (IReadOnlyList<FileRow> Files, IReadOnlyList<JobRow> Jobs, IReadOnlyList<string> Unreadable) Read()
    {
        if (!Exist) return ([], [], []);
        var unreadable = new List<string>();
        var files = Read<FileRow>(_files, row => row.Id, unreadable);
        var jobs = Read<JobRow>(_jobs, row => row.Id, unreadable);
        return ([.. files.OrderBy(row => row.Number)], [.. jobs.OrderBy(row => row.Number)], unreadable);
    }

    // A power cut must not bring a copy back: it would tell that the database is an older one.
    private void Flush()
    {
        DurableDisk.FlushFolder(_files);
        DurableDisk.FlushFolder(_jobs);
    }

    private static void Write<T>(string folder, string id, T row)
    {
        var (path, temporary) = (PathOf(folder, id), $"{PathOf(folder, id)}.tmp");
        File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(row, Json));
        DurableDisk.FlushFile(temporary);
        File.Move(temporary, path, overwrite: true);
    }

    private static List<T> Read<T>(string folder, Func<T, string> id, List<string> unreadable)
        where T : class
    {
        var rows = new List<T>();
        foreach (var path in Paths(folder))
        {
            T? row = null;
            try
            {
                if (new FileInfo(path).Length <= MaxBytes) row = JsonSerializer.Deserialize<T>(File.ReadAllBytes(path), Json);
            }
            catch (JsonException)
            {
                // It is told below.
            }

            if (row is not null && PathOf(folder, id(row)) == path) rows.Add(row);
            else unreadable.Add(path);
        }

        return rows;
    }

    private static string[] Paths(string folder) => Directory.GetFiles(folder, $"*{Extension}");

    private static string PathOf(string folder, string id) => Path.Combine(folder, $"{id}{Extension}");
}
