using LoraServe.Api.Requests;
using LoraServe.Engine.Training;
using LoraServe.Engine.Training.Settings;
using LoraServe.Files;
using LoraServe.Keys;
using LoraServe.Text.Faults;

namespace LoraServe.Api.Files;

/// <summary>Takes files in, and reads those that are to be trained on once, so that their faults are known at once.</summary>
internal sealed class FileUploads(FileStore files, LoraTrainer trainer, LoraServeOptions options) : IDisposable
{
    // Boundaries, headers and the other fields of a form.
    private const long FormBytes = 16 << 10;

    // Each reading holds a whole file as tokens.
    private readonly SemaphoreSlim _reading = new(1);

    /// <summary>Reads an upload from the body of a request and stores it.</summary>
    public async Task<StoredFile> StoreAsync(HttpContext context, Caller caller)
    {
        RequestSize.Limit(context, options.MaxTrainingFileSize + 1);
        files.DeleteExpired();
        context.Request.Body = Limit(context.Request.Body, caller);
        var path = files.BeginFile();
        try
        {
            var cancellation = context.RequestAborted;
            var form = await FileForm.ReadAsync(context.Request, path, (long)options.MaxTrainingFileSize << 20, cancellation);
            var fault = await FindFaultAsync(path, form.Name, cancellation);
            return files.Add(path, file => file with
            {
                Owner = caller.Id,
                Name = form.Name,
                Purpose = form.Purpose,
                Expires = form.Lifetime is { } lifetime ? file.Created + lifetime : null,
                Fault = fault,
            }, caller);
        }
        finally
        {
            File.Delete(path);
        }
    }

    public void Dispose() => _reading.Dispose();

    // Cut off as soon as it is too large, its form included.
    private Stream Limit(Stream body, Caller caller) => files.Room(caller) is var room and < long.MaxValue
        ? new QuotaStream(body, room, FormBytes, () => FileStore.TooManyBytes(caller))
        : body;

    // How long an example may be is a matter of the job.
    private async Task<string?> FindFaultAsync(string path, string name, CancellationToken cancellation)
    {
        await _reading.WaitAsync(cancellation);
        try
        {
            await Task.Run(() => trainer.ReadDataset(path, skipTooLong: true, cancellation), cancellation);
            return null;
        }
        catch (InvalidTrainingException e)
        {
            return FaultText.Join([.. e.Faults.Select(fault => fault.Replace(path, name).Replace(Path.GetFileName(path), name))]);
        }
        finally
        {
            _reading.Release();
        }
    }
}
