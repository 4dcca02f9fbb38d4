using LoraServe.Engine.Storage;
using LoraServe.Files;
using LoraServe.Storage;

namespace LoraServe.Jobs;

/// <summary>The folders of jobs, training/ID below the data folder.</summary>
internal sealed class JobFolders
{
    private readonly JobStore _store;
    private readonly FileStore _files;
    private readonly Trash _trash;
    private readonly string _root;

    public JobFolders(JobStore store, FileStore files, DataFolder data)
    {
        (_store, _files, _trash) = (store, files, data.Trash);
        _root = OwnerOnly.CreateFolder(Path.Combine(data.Path, "training"));
    }

    /// <summary>Moves folders without a job into the trash: a kill may have come between creating one and storing its job.</summary>
    /// <param name="before">Folders created later are left alone: their jobs may not be stored yet.</param>
    public void Sweep(DateTimeOffset before)
    {
        foreach (var folder in Directory.GetDirectories(_root))
        {
            if (new DateTimeOffset(Directory.GetCreationTimeUtc(folder)) >= before) continue;
            if (_store.Find(Path.GetFileName(folder)) is null) _trash.Take(folder, "no job of this id is known");
        }
    }

    /// <summary>The folder of a job.</summary>
    /// <param name="id">The id of a job, never text of a request.</param>
    public string Of(string id) => Path.Combine(_root, id);

    /// <summary>Deletes the folder of a deleted job; what a kill leaves of it, the next start moves into the trash.</summary>
    /// <param name="id">Of the job.</param>
    /// <exception cref="IOException">Some of it is left.</exception>
    public void Delete(string id)
    {
        if (Directory.Exists(Of(id))) Directory.Delete(Of(id), recursive: true);
    }

    /// <summary>Creates the folder of a job that is about to be stored, with copies of its inputs, which may be deleted from then on.</summary>
    /// <param name="id">Of the job.</param>
    /// <param name="inputs">Each with its path in a job's folder.</param>
    /// <param name="cancellationToken">Leaves nothing behind.</param>
    /// <exception cref="IOException">The disk is full or broken; nothing is left behind.</exception>
    public async Task CreateAsync(
        string id, IEnumerable<(StoredFile File, Func<string, string> Path)> inputs, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateDirectory(Of(id)).FullName;
        try
        {
            foreach (var (file, path) in inputs) await _files.CopyAsync(file, path(folder), cancellationToken);
            Engine.Storage.DurableDisk.FlushFolder(folder);
            Engine.Storage.DurableDisk.FlushFolder(_root);
        }
        catch
        {
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }
}
