using LoraServe.Files;
using LoraServe.Hosting;
using LoraServe.Storage;

namespace LoraServe.Jobs;

/// <summary>Removes what a killed process left of files and jobs once the engine is ready, then what has expired, every hour.</summary>
internal sealed partial class JobSweep(
    EngineService service, FileStore files, JobFolders folders, DataFolder data, TimeProvider time, ILogger<JobSweep> log)
    : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var start = time.GetUtcNow();
        try
        {
            await service.WhenReadyAsync(stoppingToken);
            Try(() => files.Sweep(start));
            Try(() => folders.Sweep(start));
            while (true)
            {
                Try(files.DeleteExpired);
                Try(data.Tidy);
                await Task.Delay(Period, time, stoppingToken);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopped meanwhile.
        }
    }

    // The rest stays until the next time.
    private void Try(Action sweep)
    {
        try
        {
            sweep();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogNotSwept(e.Message);
        }
    }

    [LoggerMessage(LogLevel.Warning, "What is left of files and jobs is not cleared away: {Reason}")]
    private partial void LogNotSwept(string reason);
}
