using LoraServe.Engine.Training;

namespace LoraServe.Jobs;

/// <summary>
/// The work of one kind of jobs. Both methods can be interrupted at any time and are then called again, in this process or the next.
/// </summary>
internal abstract class JobKind
{
    /// <summary>What the API calls them: fine_tuning.job.</summary>
    public abstract string Name { get; }

    /// <summary>Reads and checks what the job needs.</summary>
    /// <exception cref="JobFailedException">With every fault.</exception>
    public abstract Task ValidateAsync(StoredJob job, LoraTrainer trainer, CancellationToken cancellationToken);

    /// <summary>Does the work.</summary>
    /// <param name="job">As it was when its turn came; an interrupted run may have left files in its folder.</param>
    /// <param name="trainer">Trains on the engine that serves; stays valid until this returns.</param>
    /// <param name="cancellationToken">Interrupts the work: the job was paused or ended, or the server stops.</param>
    /// <returns>JSON of the result.</returns>
    public abstract Task<string> RunAsync(StoredJob job, LoraTrainer trainer, CancellationToken cancellationToken);

    /// <summary>Deletes what only a running job needs.</summary>
    /// <param name="job">Has ended.</param>
    /// <exception cref="IOException">It cannot be deleted.</exception>
    public abstract void Tidy(StoredJob job);
}
