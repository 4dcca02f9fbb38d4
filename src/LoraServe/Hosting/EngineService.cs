using System.Runtime.InteropServices;
using LoraServe.Commands;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Training;
using LoraServe.Metrics;
using LoraServe.Text.Tokenizers;

namespace LoraServe.Hosting;

/// <summary>The engine is loading, stopping, or could not be loaded.</summary>
internal sealed class EngineNotReadyException(string message) : Exception(message);

/// <summary>The engine's state.</summary>
internal enum EngineState
{
    Loading,
    Ready,
    Draining,
    Failed,
}

/// <summary>Loads the engine while the web server already runs, and drains it before the web server stops.</summary>
internal sealed partial class EngineService(
    LoraServeOptions options,
    StartupConsole console,
    ServerMetrics metrics,
    IHostApplicationLifetime lifetime,
    ILoggerFactory loggers,
    ILogger<EngineService> log)
    : IHostedLifecycleService, IAsyncDisposable
{
    private readonly TaskCompletionSource<LoraTrainer> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _loadingEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _mayOpen = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private LoadingProgress? _progress;
    private LlmEngine? _engine;
    private volatile LoraTrainer? _trainer;
    private readonly TaskCompletionSource _impatience = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IReadOnlyList<PosixSignalRegistration> _signals = [];
    private volatile EngineState _state = EngineState.Loading;
    private volatile bool _isStopping;

    /// <summary>Loading, then Ready or Failed, then Draining once the server is told to stop and a second signal is handled.</summary>
    public EngineState State => _state != EngineState.Failed && _isStopping ? EngineState.Draining : _state;

    /// <exception cref="EngineNotReadyException">Not <see cref="EngineState.Ready"/>.</exception>
    public LlmEngine Engine => Trainer.Engine;

    /// <summary>Trains on the engine, one training after the other.</summary>
    /// <exception cref="EngineNotReadyException">Not <see cref="EngineState.Ready"/>.</exception>
    public LoraTrainer Trainer
    {
        get
        {
            CheckReady();
            return _trainer!;
        }
    }

    /// <exception cref="EngineNotReadyException">Not <see cref="EngineState.Ready"/>.</exception>
    public void CheckReady()
    {
        if (State is var state && state != EngineState.Ready) throw new EngineNotReadyException(state switch
        {
            EngineState.Loading => "The model is still loading; try again soon.",
            EngineState.Draining => "The server is stopping.",
            _ => "The model could not be loaded.",
        });
    }

    /// <summary>The trainer, once the engine is loaded; never completes if it cannot be.</summary>
    public Task<LoraTrainer> WhenReadyAsync(CancellationToken cancellationToken) => _ready.Task.WaitAsync(cancellationToken);

    /// <summary>Begins to read the model, while the rest of the server starts.</summary>
    public void BeginLoading()
    {
        if (_progress is not null) return;
        _progress = new LoadingProgress(() => _isStopping);
        // Not on the thread pool: loading takes seconds, and the first requests need its threads.
        new Thread(Load) { IsBackground = true, Name = "LoraServe loading" }.Start();
    }

    /// <summary>Lets it open the data folder, which is in order.</summary>
    public void AllowOpening() => _mayOpen.TrySetResult();

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        BeginLoading();
        AllowOpening();
        // In a terminal only now: until the host runs, it does not handle Ctrl-C.
        _progress!.ShowUntil(_loadingEnded.Task);
        _started.TrySetResult();
        return Task.CompletedTask;
    }

    // Before the web server stops listening: running requests keep their connections, and probes see that no new ones are accepted.
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        // The process would crash if it ended while libtorch is loading.
        await Task.WhenAny(_loadingEnded.Task, _impatience.Task, Task.Delay(TimeSpan.FromSeconds(options.ShutdownTimeout), CancellationToken.None));
        if (_engine is not { } engine) return;
        await Task.WhenAny(engine.DrainAsync(TimeSpan.FromSeconds(options.ShutdownTimeout)), _impatience.Task);
        // Requests that did not finish end with an error their clients can still read.
        await DisposeAsync();
    }

    /// <summary>Ends the loading and frees the engine. The process would crash if it ended while libtorch is loading.</summary>
    public async ValueTask DisposeAsync()
    {
        _isStopping = true;
        _mayOpen.TrySetCanceled();
        if (_progress is not null) await Task.WhenAny(_loadingEnded.Task, _impatience.Task);
        foreach (var signal in Interlocked.Exchange(ref _signals, [])) signal.Dispose();
        if (Interlocked.Exchange(ref _engine, null) is { } engine) await engine.DisposeAsync();
    }

    Task IHostedService.StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    Task IHostedLifecycleService.StartingAsync(CancellationToken cancellationToken)
    {
        lifetime.ApplicationStopping.Register(BeginStopping);
        return Task.CompletedTask;
    }

    Task IHostedService.StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    Task IHostedLifecycleService.StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // The host ignores signals after the first; a second one means that the operator does not want to wait. Registered before the state
    // says Draining, not only once the services that stop before the engine have stopped.
    private void BeginStopping()
    {
        _signals = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM }.Select(signal => PosixSignalRegistration.Create(signal, _ => _impatience.TrySetResult()))];
        _isStopping = true;
    }

    private void Load()
    {
        try
        {
            _engine = LlmEngine.Load(options.ToEngineOptions(), _progress, loggers, _mayOpen.Task);
            metrics.Publish(_engine);
            _trainer = new LoraTrainer(_engine);
            _state = EngineState.Ready;
            _ready.SetResult(_trainer);
        }
        catch (Exception) when (_isStopping)
        {
            return;
        }
        catch (Exception e)
        {
            _state = EngineState.Failed;
            // A fault in a file is for its owner, who has no use for a stack trace.
            var isAboutFiles = e is InvalidCheckpointException or InvalidTokenizerException or InvalidAdapterException
                or IOException or UnauthorizedAccessException or DllNotFoundException;
            LogFailed(e.Message, isAboutFiles ? null : e);
            lifetime.StopApplication();
            return;
        }
        finally
        {
            _loadingEnded.SetResult();
        }

        // The address is known once the server listens.
        _started.Task.Wait();
        _progress!.WaitUntilCleared();
        Show();
    }

    private void Show()
    {
        try
        {
            console.ShowReady(Engine.Model.Name, [.. Engine.Adapters.List().Select(adapter => adapter.Name)]);
        }
        // The server works even if the terminal cannot show it.
        catch (Exception e) when (e is not EngineNotReadyException)
        {
            LogNotShown(e);
        }
        catch (EngineNotReadyException)
        {
            // It was told to stop in the meantime.
        }
    }

    [LoggerMessage(LogLevel.Warning, "The server is ready, but its address cannot be shown")]
    private partial void LogNotShown(Exception exception);

    [LoggerMessage(LogLevel.Critical, "The model could not be loaded: {Reason}")]
    private partial void LogFailed(string reason, Exception? exception);
}
