using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>The gated MLP as <see cref="Models.Mlp"/>, forward and backward: down(silu(gate(x)) * up(x)).</summary>
/// <param name="input">Modules of gate and up.</param>
/// <param name="output">The module of down.</param>
internal sealed class TrainedMlp(LinearGroup input, LinearGroup output) : IDisposable
{
    /// <summary>Gate and up.</summary>
    public LinearGroup Input => input;

    /// <summary>Down.</summary>
    public LinearGroup Output => output;

    /// <summary>Whether any of it is trained.</summary>
    public bool IsTrained => input.IsTrained || output.IsTrained;

    /// <summary>x [tokens, hidden] to [tokens, hidden], in the current dispose scope.</summary>
    public Tensor Forward(Tensor x, PassInputs inputs, Tape tape, MlpTape kept)
    {
        var projected = input.Forward(x, inputs, tape, kept.Input, keepsResults: true);
        (kept.Gate, kept.Up) = (projected[0], projected[1]);
        if (FusedSteps.Support(kept.Gate, kept.Gate.size(1)))
            FusedSteps.SwiGlu(kept.Gate, kept.Up, kept.Gated = tape.New(kept.Gate.shape));
        else
            kept.Gated = tape.Keep(nn.functional.silu(kept.Gate).mul_(kept.Up));
        return output.Forward(kept.Gated, inputs, tape, kept.Output, keepsResults: false)[0];
    }

    /// <summary>Adds to the gradients of the parameters and returns that of x, in the current dispose scope.</summary>
    public Tensor? Backward(Tensor dy, Tensor x, PassInputs inputs, MlpTape kept, bool needsInput)
    {
        var gated = output.Backward([dy], kept.Gated!, inputs, kept.Output, needsInput: true)!;
        var (gate, up) = GatedBackward(gated, kept.Gate!, kept.Up!, inputs);
        return input.Backward([gate, up], x, inputs, kept.Input, needsInput);
    }

    /// <summary>Frees what it made.</summary>
    public void Dispose()
    {
        input.Dispose();
        output.Dispose();
    }

    // silu(x) = x sigmoid(x), silu'(x) = sigmoid(x) + silu(x) (1 - sigmoid(x)).
    private static (Tensor Gate, Tensor Up) GatedBackward(Tensor dy, Tensor gate, Tensor up, PassInputs inputs)
    {
        if (FusedSteps.Support(gate, gate.size(1)))
        {
            var (dgate, dup) = (inputs.New(gate.shape), inputs.New(gate.shape));
            FusedSteps.SwiGluBackward(dy, gate, up, dgate, dup);
            return (dgate, dup);
        }

        using var scope = NewDisposeScope();
        var (wide, wideGate, wideUp) = (dy.to(ScalarType.Float32), gate.to(ScalarType.Float32), up.to(ScalarType.Float32));
        var sigmoid = wideGate.sigmoid();
        var silu = wideGate.mul(sigmoid);
        var slope = sigmoid.add(silu.sub(silu.mul(sigmoid)), Constants.One);
        return (
            wide.mul(wideUp).mul_(slope).to(gate.dtype).MoveToOuterDisposeScope(),
            wide.mul(silu).to(up.dtype).MoveToOuterDisposeScope());
    }
}

/// <summary>What the MLP needs in the backward pass.</summary>
internal sealed class MlpTape
{
    public LinearTape Input { get; } = new();

    public LinearTape Output { get; } = new();

    /// <summary>[tokens, intermediate]</summary>
    public Tensor? Gate { get; set; }

    /// <summary>[tokens, intermediate]</summary>
    public Tensor? Up { get; set; }

    /// <summary>silu(gate) * up.</summary>
    public Tensor? Gated { get; set; }
}
