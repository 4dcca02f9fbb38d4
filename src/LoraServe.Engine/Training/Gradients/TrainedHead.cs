using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>
/// The last norm, the output head and the cross-entropy, for targets only and a few rows at a time, so that the
/// logits of all tokens never exist at once.
/// </summary>
internal sealed class TrainedHead(TrainedNorm norm, LinearGroup head) : IDisposable
{
    // Bytes of float32 logits in memory at a time.
    private const long LogitBytes = 32 << 20;

    /// <summary>The head.</summary>
    public LinearGroup Group => head;

    /// <summary>The norm before it.</summary>
    public TrainedNorm Norm => norm;

    /// <summary>Rows per slice.</summary>
    public int ChunkRows => ChunkRowsOf(head.Modules[0].Weight.size(0));

    /// <summary>The same for a vocabulary.</summary>
    public static int ChunkRowsOf(long vocabularySize) => (int)Math.Clamp(LogitBytes / (sizeof(float) * vocabularySize), 1, 256);

    /// <summary>Loss and correct predictions of some rows; with a backward pass, adds to the gradients and replaces the rows by their gradient.</summary>
    /// <param name="rows">Results of the norm [rows, hidden].</param>
    /// <param name="targets">[rows], int64.</param>
    /// <param name="weight">The loss weight of each row, or null without a backward pass.</param>
    /// <param name="inputs">Memory, and what is dropped.</param>
    public (double Loss, int Correct) Run(Tensor rows, Tensor targets, double? weight, PassInputs inputs)
    {
        using var scope = NewDisposeScope();
        using var tape = new Tape(inputs.Workspace, keeps: false);
        var kept = new LinearTape();
        var logits = head.Forward(rows, inputs, tape, kept, keepsResults: false)[0];
        var (loss, correct, gradient) = CrossEntropy(logits, targets, weight);
        if (gradient is not null) rows.copy_(head.Backward([gradient], rows, inputs, kept, needsInput: true)!);
        return (loss, correct);
    }

    /// <summary>Frees what it made.</summary>
    public void Dispose()
    {
        norm.Dispose();
        head.Dispose();
    }

    // d loss / d logits = weight * (softmax(logits) - one at the target).
    private static (double Loss, int Correct, Tensor? Gradient) CrossEntropy(Tensor logits, Tensor targets, double? weight)
    {
        if (FusedSteps.Support(logits, logits.size(1)))
        {
            // Logits become their gradient.
            var (sum, hits) = FusedSteps.CrossEntropy(logits, targets, (float)(weight ?? 0));
            return (sum, hits, weight is null ? null : logits);
        }

        var wide = logits.to(ScalarType.Float32);
        var places = targets.unsqueeze(1);
        var correct = (int)wide.argmax(1).eq(targets).count_nonzero().item<long>();
        var logSum = wide.logsumexp(1, keepdim: true);
        var loss = logSum.sub(wide.gather(1, places)).sum(ScalarType.Float64).item<double>();
        if (weight is not { } w) return (loss, correct, null);
        var gradient = wide.sub(logSum).exp_();
        gradient.scatter_add_(1, places, ones_like(places, ScalarType.Float32).neg());
        gradient.mul_(tensor((float)w, device: gradient.device));
        return (loss, correct, gradient.to(logits.dtype));
    }
}
