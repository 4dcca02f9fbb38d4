using LoraServe.Engine.Generation;

namespace LoraServe.Tests;

/// <summary>Keeps an engine between two steps, so that what a test does meanwhile finds it in the same state on every machine.</summary>
internal sealed class EngineHold : IDisposable
{
    // So long that only a test that has failed is ended by it.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private EngineHold()
    {
    }

    /// <summary>Holds an engine as it is now. It still takes in what is submitted, which shows among the arriving sequences.</summary>
    public static async Task<EngineHold> TakeAsync(LlmEngine engine)
    {
        var hold = new EngineHold();
        _ = engine.InvokeAsync(() => hold.Wait());
        await hold._begun.Task.WaitAsync(Patience);
        return hold;
    }

    /// <summary>
    /// Lets go of an engine and holds it again behind its next step, which has the sequences that have arrived meanwhile: they run, and have
    /// their first tokens at the most.
    /// </summary>
    public async Task<EngineHold> StepAsync(LlmEngine engine)
    {
        var next = new EngineHold();
        // Of background work, a step is followed by what is short; what it sends is taken up before the step after it.
        _ = engine.RunInBackgroundAsync(
            new TestWork(() =>
            {
                _ = engine.InvokeAsync(() => next.Wait());
                return false;
            }),
            CancellationToken.None);
        Dispose();
        await next._begun.Task.WaitAsync(Patience);
        return next;
    }

    /// <summary>Lets the engine go on.</summary>
    public void Dispose() => _over.TrySetResult();

    private bool Wait()
    {
        _begun.TrySetResult();
        return _over.Task.Wait(Patience);
    }
}
