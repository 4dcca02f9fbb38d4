using LoraServe.Api.Requests;
using LoraServe.Engine.Storage;
using LoraServe.Jobs.Storage;
using LoraServe.Keys;
using LoraServe.Storage;
using Microsoft.EntityFrameworkCore;

namespace LoraServe.Files;

/// <summary>
/// Files below the data folder: files/ID, complete once they have this name, and files/incoming for uploads in progress. A
/// caller sees its own; admin sees all. Safe for concurrent use.
/// </summary>
internal sealed partial class FileStore
{
    private readonly JobDatabase _database;
    private readonly Trash _trash;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly string _folder;
    private readonly string _incoming;
    private readonly Lock _adding = new();

    public FileStore(JobDatabase database, DataFolder data, TimeProvider time, ILogger<FileStore> log)
    {
        (_database, _trash, _time, _log) = (database, data.Trash, time, log);
        _folder = OwnerOnly.CreateFolder(Path.Combine(data.Path, "files"));
        _incoming = OwnerOnly.CreateFolder(Path.Combine(_folder, "incoming"));
    }

    /// <summary>A file to write to; the caller deletes it unless <see cref="Add"/> takes it.</summary>
    public string BeginFile() => Path.Combine(_incoming, Guid.NewGuid().ToString("N"));

    /// <summary>Stores a file durably.</summary>
    /// <param name="path">Of <see cref="BeginFile"/>, written and closed.</param>
    /// <param name="describe">Everything but id, date and size.</param>
    /// <param name="owner">The caller whose limit it counts against; null for no limit.</param>
    /// <exception cref="PermissionException">The owner may not store as much.</exception>
    /// <exception cref="IOException">The disk is full or broken; nothing is stored.</exception>
    public StoredFile Add(string path, Func<StoredFile, StoredFile> describe, Caller? owner = null)
    {
        var file = describe(new StoredFile
        {
            Id = $"file-{RandomId.New()}",
            Owner = "",
            Name = "",
            Purpose = "",
            Bytes = new FileInfo(path).Length,
            Created = _time.GetUtcNow(),
        });
        DurableDisk.FlushFile(path);
        lock (_adding)
        {
            if (owner is not null && file.Bytes > Room(owner)) throw TooManyBytes(owner);
            File.Move(path, PathOf(file.Id));
            DurableDisk.FlushFolder(_folder);
            // A kill before this line leaves a file without a row, which the next start moves into the trash.
            try
            {
                _database.WriteEntries(context => context.Files.Add(file.ToRow()).Entity, static (copies, row) => copies.Write(row));
                return file;
            }
            catch
            {
                File.Delete(PathOf(file.Id));
                throw;
            }
        }
    }

    /// <summary>Bytes that a caller may still store.</summary>
    public long Room(Caller caller) => caller.Limits.FileBytes is { } limit
        ? Math.Max(0, limit - _database.Read(context => context.Files.Where(row => row.Owner == caller.Id).Sum(row => row.Bytes)))
        : long.MaxValue;

    /// <summary>The error for exceeding what a caller may store.</summary>
    public static PermissionException TooManyBytes(Caller caller) => new(
        $"The API key '{caller.Name}' may store {caller.Limits.FileBytes} bytes of files, those of its jobs' results included: delete one of its "
            + "own first.",
        StorageQuota.Code);

    /// <summary>The file of an id that a caller may see.</summary>
    /// <exception cref="UnknownFileException">There is none, or it has expired.</exception>
    public StoredFile Get(string id, Caller caller) =>
        _database.Read(context => context.Files.AsNoTracking().FirstOrDefault(row => row.Id == id)) is { } row
        && caller.Owns(row.Owner) && !IsExpired(row)
            ? StoredFile.From(row)
            : throw new UnknownFileException(id);

    /// <summary>Files that a caller may see.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="purpose">Only files of this purpose; null for all.</param>
    /// <param name="after">Only files after this one; null starts at the first.</param>
    /// <param name="limit">Most files.</param>
    /// <param name="isOldestFirst">Their order.</param>
    /// <exception cref="UnknownFileException">The caller sees no file of that id.</exception>
    public Page<StoredFile> List(Caller caller, string? purpose, string? after, int limit, bool isOldestFirst)
    {
        if (after is not null) Get(after, caller);
        return _database.Read(context =>
        {
            var seesAll = caller.SeesEverything;
            var from = context.Files.Where(row => row.Id == after).Select(row => (long?)row.Number).FirstOrDefault();
            if (after is not null && from is null) throw new UnknownFileException(after);
            var rows = context.Files.AsNoTracking()
                .Where(row => (seesAll || row.Owner == caller.Id) && (purpose == null || row.Purpose == purpose))
                .Where(row => from == null || (isOldestFirst ? row.Number > from : row.Number < from));
            var found = (isOldestFirst ? rows.OrderBy(row => row.Number) : rows.OrderByDescending(row => row.Number))
                .AsEnumerable()
                .Where(row => !IsExpired(row))
                .Take(limit + 1)
                .Select(StoredFile.From)
                .ToList();
            return new Page<StoredFile>([.. found.Take(limit)], found.Count > limit);
        });
    }

    /// <summary>Deletes a file; jobs have their own copies. Content that cannot be deleted moves into the trash at the next start.</summary>
    /// <exception cref="IOException">The file is unchanged.</exception>
    public void Delete(StoredFile file)
    {
        _database.DeleteEntries(context => context.Files.Where(row => row.Id == file.Id).ExecuteDelete(), file.Id);
        try
        {
            File.Delete(PathOf(file.Id));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogNotDeleted(file.Id, e.Message);
        }
    }

    /// <summary>Deletes the files that have expired.</summary>
    public void DeleteExpired()
    {
        var rows = _database.Read(context => context.Files.AsNoTracking().Where(row => row.Expires != null).ToList());
        foreach (var row in rows.Where(IsExpired)) Delete(StoredFile.From(row));
    }

    /// <summary>Opens a file, which may be deleted meanwhile.</summary>
    /// <exception cref="UnknownFileException">The file has just been deleted.</exception>
    public Stream Open(StoredFile file)
    {
        try
        {
            return new FileStream(PathOf(file.Id), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        }
        catch (FileNotFoundException)
        {
            throw new UnknownFileException(file.Id);
        }
    }

    /// <summary>Copies a file, durably.</summary>
    /// <exception cref="UnknownFileException">The file has just been deleted.</exception>
    /// <exception cref="IOException">The disk is full or broken.</exception>
    public async Task CopyAsync(StoredFile file, string path, CancellationToken cancellationToken)
    {
        await using var source = Open(file);
        await using var copy = new FileStream(path, FileMode.Create, FileAccess.Write);
        await source.CopyToAsync(copy, cancellationToken);
        copy.Flush(flushToDisk: true);
    }

    /// <summary>Deletes unfinished uploads of a killed process, and moves files without a row into the trash.</summary>
    /// <param name="before">Files written later are left alone: their uploads may be in progress.</param>
    public void Sweep(DateTimeOffset before)
    {
        var known = _database.Read(context => context.Files.Select(row => row.Id).ToHashSet(StringComparer.Ordinal));
        foreach (var path in Directory.GetFiles(_folder).Where(path => !known.Contains(Path.GetFileName(path)) && IsOlder(path)))
            _trash.Take(path, "no file of this id is known");
        foreach (var path in Directory.GetFiles(_incoming).Where(IsOlder))
        {
            if (Guid.TryParseExact(Path.GetFileName(path), "N", out _))
            {
                File.Delete(path);
                LogSwept(Path.GetFileName(path));
            }
            else
            {
                _trash.Take(path, "it is not an upload of this server");
            }
        }

        bool IsOlder(string path) => new DateTimeOffset(File.GetLastWriteTimeUtc(path)) < before;
    }

    private bool IsExpired(FileRow row) => row.Expires <= _time.GetUtcNow();

    private string PathOf(string id) => Path.Combine(_folder, id);

    [LoggerMessage(LogLevel.Warning, "The content of {File}, a deleted file, could not be deleted: {Reason}")]
    private partial void LogNotDeleted(string file, string reason);

    [LoggerMessage(LogLevel.Information, "Deleted the unfinished file {File}")]
    private partial void LogSwept(string file);
}
