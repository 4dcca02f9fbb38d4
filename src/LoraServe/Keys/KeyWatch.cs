using System.Collections.Concurrent;
using LoraServe.Api;

namespace LoraServe.Keys;

/// <summary>Ends requests and jobs whose key has been revoked or has expired since they began, also by another process.</summary>
internal sealed class KeyWatch : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    private readonly KeyRing _keys;
    private readonly ITimer _timer;
    private readonly ConcurrentDictionary<CancellationTokenSource, string> _running = [];

    public KeyWatch(KeyRing keys, TimeProvider time)
    {
        _keys = keys;
        _timer = time.CreateTimer(_ => Check(), state: null, Period, Period);
    }

    /// <summary>Cancels work when the key of its owner becomes invalid; dispose it before the source.</summary>
    public IDisposable Watch(Caller owner, CancellationTokenSource work)
    {
        if (owner.HasKey) _running[work] = owner.Id;
        return new Watched(this, work);
    }

    /// <summary>Runs a request, whose RequestAborted also fires when its key becomes invalid.</summary>
    public async Task RunAsync(HttpContext context, RequestDelegate next)
    {
        var caller = context.User.Caller();
        if (!caller.HasKey)
        {
            await next(context);
            return;
        }

        var gone = context.RequestAborted;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(gone);
        using var watched = Watch(caller, ended);
        context.RequestAborted = ended.Token;
        try
        {
            await next(context);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested && !gone.IsCancellationRequested)
        {
            context.RequestAborted = gone;
            var refusal = new KeyEndedException(_keys.RefusalOf(caller.Id) ?? "The API key is no longer valid.");
            // A stream's status is already sent, so its error has to be an event. Any other response may be cut off.
            if (!context.Response.HasStarted) throw refusal;
            if (!await ServerSentEvents.TryEndAsync(context.Response, refusal, gone)) context.Abort();
        }
        finally
        {
            context.RequestAborted = gone;
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Check()
    {
        try
        {
            foreach (var (ended, id) in _running)
            {
                if (_keys.RefusalOf(id) is not null) End(ended);
            }
        }
        // The disk fails, or the server is stopping: running work goes on, new work is refused. An exception in a timer would end the process.
        catch (Exception)
        {
        }
    }

    private static void End(CancellationTokenSource ended)
    {
        try
        {
            ended.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The work has just ended.
        }
    }

    private sealed class Watched(KeyWatch watch, CancellationTokenSource work) : IDisposable
    {
        public void Dispose() => watch._running.TryRemove(work, out _);
    }
}

/// <summary>The key of a request was revoked or has expired while it ran.</summary>
internal sealed class KeyEndedException(string message) : Exception(message);
