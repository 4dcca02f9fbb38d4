namespace LoraServe.Engine.Training.Gradients;

/// <summary>One pass over a batch in slices of about one layer, so that requests can go between two of them.</summary>
internal sealed class TrainingPass : IDisposable
{
    /// <summary>The sum of the cross-entropies in nats over the batch's targets; final once <see cref="Advance"/> returned false.</summary>
    public double LossSum { get; private set; }

    /// <summary>How many targets were the most probable token.</summary>
    public int Correct { get; private set; }

    /// <summary>Does the next slice; false when there is none left.</summary>
    public bool Advance() => throw new NotSupportedException("Training is being built.");

    /// <summary>Frees the activations.</summary>
    public void Dispose() => throw new NotSupportedException("Training is being built.");
}
