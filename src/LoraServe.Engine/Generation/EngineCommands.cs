using System.Threading.Channels;

namespace LoraServe.Engine.Generation;

/// <summary>
/// The way into the engine's thread: functions that it runs between two steps, in the order in which they were sent. Any thread sends, only the
/// engine's takes.
/// </summary>
internal sealed class EngineCommands
{
    private readonly Channel<Action> _commands = Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true });

    private volatile bool _isClosed;

    /// <summary>Whether nothing can be sent any more and everything sent was run: no accepted command is left behind.</summary>
    // Not the channel's Completion, which may never complete if the last command is taken while the channel is closed.
    public bool AreOver => _isClosed && !HasAny;

    /// <summary>Whether a command waits.</summary>
    public bool HasAny => _commands.Reader.TryPeek(out _);

    /// <summary>Sends a command, which handles its own errors; false once <see cref="Close"/> was called.</summary>
    public bool TrySend(Action command) => _commands.Writer.TryWrite(command);

    /// <summary>Sends a function.</summary>
    /// <returns>Its result, or its exception.</returns>
    /// <exception cref="EngineOverloadedException">The engine has been stopped.</exception>
    public Task<T> InvokeAsync<T>(Func<T> function)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var isSent = TrySend(() =>
        {
            try
            {
                result.SetResult(function());
            }
            catch (Exception e)
            {
                result.SetException(e);
            }
        });
        if (!isSent) result.SetException(new EngineOverloadedException("The engine has been stopped."));
        return result.Task;
    }

    /// <inheritdoc cref="InvokeAsync{T}(Func{T})"/>
    public Task InvokeAsync(Action action) => InvokeAsync(() =>
    {
        action();
        return true;
    });

    /// <summary>Completes when a command waits, or none can come any more.</summary>
    public Task WaitAsync() => _commands.Reader.WaitToReadAsync().AsTask();

    /// <summary>Runs all commands that wait.</summary>
    public void Run()
    {
        while (_commands.Reader.TryRead(out var command)) command();
    }

    /// <summary>Takes no more commands.</summary>
    public void Close()
    {
        _commands.Writer.TryComplete();
        _isClosed = true;
    }
}
