using LoraServe.Files;
using LoraServe.Hosting;

namespace LoraServe.Jobs;

/// <summary>Deletes what a killed process left of files and jobs, once the engine says that no other process has the data folder.</summary>
internal sealed partial class JobSweep(EngineService service, FileStore files, JobFolders folders, TimeProvider time, ILogger<JobSweep> log)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var start = time.GetUtcNow();
        try
        {
            await service.WhenReadyAsync(stoppingToken);
            files.Sweep(start);
            files.DeleteExpired();
            folders.Sweep(start);
        }
        catch (OperationCanceledException)
        {
            // It was told to stop meanwhile.
        }
        // What is left lies there until the next start.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogNotSwept(e.Message);
        }
    }

    [LoggerMessage(LogLevel.Warning, "What is left of unfinished files and jobs is not deleted: {Reason}")]
    private partial void LogNotSwept(string reason);
}
