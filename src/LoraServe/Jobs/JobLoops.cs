using LoraServe.Engine.Training;
using LoraServe.Hosting;

namespace LoraServe.Jobs;

/// <summary>
/// Works on jobs: of each kind, one is validated and one runs at a time, in order of arrival. A job interrupted by the end
/// of the process, however it ended, goes on at the next start.
/// </summary>
internal sealed partial class JobLoops(
    IEnumerable<JobKind> kinds, JobStore store, EngineService service, JobWorker worker, JobActivity activity, ILogger<JobLoops> log)
    : IHostedLifecycleService, IDisposable
{
    private static readonly TimeSpan RetryPeriod = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stopping = new();
    private Task _loops = Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _loops = Task.WhenAll(kinds.SelectMany(kind => new[]
        {
            Task.Run(() => LoopAsync(kind, worker.ValidateAsync, JobStatus.ValidatingFiles), CancellationToken.None),
            Task.Run(() => LoopAsync(kind, worker.RunAsync, JobStatus.Running, JobStatus.Queued), CancellationToken.None),
        }));
        return Task.CompletedTask;
    }

    // Before the engine stops, so that running jobs can leave a checkpoint.
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _stopping.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // Stopped before; stopping again has nothing to wait for.
            return;
        }

        await Task.WhenAny(_loops, Task.Delay(Timeout.Infinite, cancellationToken));
    }

    public void Dispose() => _stopping.Dispose();

    Task IHostedLifecycleService.StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    Task IHostedService.StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    Task IHostedService.StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    Task IHostedLifecycleService.StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task LoopAsync(
        JobKind kind, Func<JobKind, StoredJob, LoraTrainer, CancellationToken, Task> work, params JobStatus[] states)
    {
        var wakes = activity.AddSleeper();
        try
        {
            var trainer = await service.WhenReadyAsync(_stopping.Token);
            while (!_stopping.IsCancellationRequested)
            {
                try
                {
                    if (store.Next(kind.Name, states) is { } job) await work(kind, job, trainer, _stopping.Token);
                    else await wakes.ReadAsync(_stopping.Token);
                }
                // The disk may be full, or the engine busy: nothing is lost, and there may be room later. Whatever the cause, other jobs wait.
                catch (Exception e) when (!_stopping.IsCancellationRequested)
                {
                    LogWaiting(LoggedException.Describe(e));
                    await Task.Delay(RetryPeriod, _stopping.Token);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    [LoggerMessage(LogLevel.Error, "Jobs wait: {Reason}")]
    private partial void LogWaiting(string reason);
}
