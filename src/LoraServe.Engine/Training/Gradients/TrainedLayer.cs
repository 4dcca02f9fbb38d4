using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>One layer as <see cref="Models.DecoderLayer"/>, forward and backward: x + attention(norm(x)), then x + mlp(norm(x)).</summary>
internal sealed class TrainedLayer(TrainedNorm inputNorm, TrainedAttention attention, TrainedNorm middleNorm, TrainedMlp mlp, bool trainsNorms)
    : IDisposable
{
    /// <summary>Its modules.</summary>
    public IEnumerable<LinearGroup> Groups => [attention.Input, attention.Output, mlp.Input, mlp.Output];

    /// <summary>Whether any of it is trained.</summary>
    public bool IsTrained => trainsNorms || attention.IsTrained || mlp.IsTrained;

    /// <summary>x [tokens, hidden] to the next layer's, which is freed with the slice.</summary>
    public Tensor Forward(Tensor x, PassInputs inputs, LayerTape tape)
    {
        tape.Normed = inputNorm.Forward(x, tape.Tape);
        var attended = attention.Forward(tape.Normed, inputs, tape.Tape, tape.Attention);
        tape.Middle = tape.Tape.New(x.shape).copy_(x).AddInPlace(attended);
        tape.MiddleNormed = middleNorm.Forward(tape.Middle, tape.Tape);
        return mlp.Forward(tape.MiddleNormed, inputs, tape.Tape, tape.Mlp).AddInPlace(tape.Middle);
    }

    /// <summary>Adds to the gradients of the parameters and returns that of x, in the current dispose scope.</summary>
    /// <param name="dy">Gradient of the result.</param>
    /// <param name="x">What the layer was given.</param>
    /// <param name="inputs">As in the forward pass.</param>
    /// <param name="tape">Filled in the forward pass.</param>
    /// <param name="needsInput">Whether the gradient of x is needed; otherwise null is returned.</param>
    public Tensor? Backward(Tensor dy, Tensor x, PassInputs inputs, LayerTape tape, bool needsInput)
    {
        var middle = mlp.Backward(dy, tape.MiddleNormed!, inputs, tape.Mlp, needsInput: true)!;
        middle = middleNorm.Backward(middle, tape.Middle!, dy);
        var dx = attention.Backward(middle, tape.Normed!, inputs, tape.Attention, needsInput || trainsNorms);
        if (dx is null) return null;
        dx = inputNorm.Backward(dx, x, middle);
        return needsInput ? dx : null;
    }

    /// <summary>Frees what it made.</summary>
    public void Dispose()
    {
        inputNorm.Dispose();
        attention.Dispose();
        middleNorm.Dispose();
        mlp.Dispose();
    }
}

/// <summary>What a layer needs in the backward pass.</summary>
/// <param name="workspace">Memory of the pass.</param>
/// <param name="keeps">Whether a backward pass follows in another slice.</param>
internal sealed class LayerTape(Workspace workspace, bool keeps) : IDisposable
{
    public Tape Tape { get; } = new(workspace, keeps);

    public AttentionTape Attention { get; } = new();

    public MlpTape Mlp { get; } = new();

    /// <summary>The input of attention [tokens, hidden].</summary>
    public Tensor? Normed { get; set; }

    /// <summary>The input plus the result of attention [tokens, hidden].</summary>
    public Tensor? Middle { get; set; }

    /// <summary>The input of the MLP [tokens, hidden].</summary>
    public Tensor? MiddleNormed { get; set; }

    /// <summary>Frees the tensors.</summary>
    public void Dispose() => Tape.Dispose();
}
