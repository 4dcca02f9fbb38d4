using LoraServe.Engine.Checkpoints;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>Causal self-attention with grouped queries as <see cref="Models.Attention"/>, forward and backward. Each example attends on its own.</summary>
/// <param name="config">Heads.</param>
/// <param name="window">How many positions back a token sees, itself included; null sees all.</param>
/// <param name="input">Modules of queries, keys and values.</param>
/// <param name="output">The module after the heads.</param>
/// <param name="queryNorm">Norm of queries by heads, or null.</param>
/// <param name="keyNorm">Norm of keys by heads, or null.</param>
internal sealed class TrainedAttention(
    ModelConfig config, int? window, LinearGroup input, LinearGroup output, TrainedNorm? queryNorm, TrainedNorm? keyNorm) : IDisposable
{
    private readonly AttentionCore _core = new(config, window);

    /// <summary>The modules that read the layer's norm.</summary>
    public LinearGroup Input => input;

    /// <summary>The module after the heads.</summary>
    public LinearGroup Output => output;

    /// <summary>Whether any of it is trained.</summary>
    public bool IsTrained => input.IsTrained || output.IsTrained;

    /// <summary>x [tokens, hidden] to [tokens, hidden], in the current dispose scope.</summary>
    public Tensor Forward(Tensor x, PassInputs inputs, Tape tape, AttentionTape kept)
    {
        var projected = input.Forward(x, inputs, tape, kept.Input, keepsResults: true);
        var query = Split(projected[0], config.HeadCount);
        var key = Split(projected[1], config.KvHeadCount);
        if (queryNorm is not null) query = queryNorm.Forward(kept.RawQuery = tape.Keep(query), tape);
        if (keyNorm is not null) key = keyNorm.Forward(kept.RawKey = tape.Keep(key), tape);
        kept.Query = tape.Keep(inputs.Rotate(query, direction: 1));
        kept.Key = tape.Keep(inputs.Rotate(key, direction: 1));
        kept.Value = tape.Keep(Split(projected[2], config.KvHeadCount));
        kept.Attended = tape.New(x.size(0), config.HeadCount * config.HeadDim);
        _core.Forward(kept.Query, kept.Key, kept.Value, inputs.Lengths, kept.Attended);
        return output.Forward(kept.Attended, inputs, tape, kept.Output, keepsResults: false)[0];
    }

    /// <summary>Adds to the gradients of the parameters and returns that of x, in the current dispose scope.</summary>
    public Tensor? Backward(Tensor dy, Tensor x, PassInputs inputs, AttentionTape kept, bool needsInput)
    {
        var attended = output.Backward([dy], kept.Attended!, inputs, kept.Output, needsInput: true)!;
        var (query, key, value) = _core.Backward(attended, kept.Query!, kept.Key!, kept.Value!, inputs);
        query = inputs.Rotate(query, direction: -1);
        key = inputs.Rotate(key, direction: -1);
        if (queryNorm is not null) query = queryNorm.Backward(query, kept.RawQuery!);
        if (keyNorm is not null) key = keyNorm.Backward(key, kept.RawKey!);
        return input.Backward([Joined(query), Joined(key), Joined(value)], x, inputs, kept.Input, needsInput);
    }

    /// <summary>Frees what it made.</summary>
    public void Dispose()
    {
        input.Dispose();
        output.Dispose();
        queryNorm?.Dispose();
        keyNorm?.Dispose();
    }

    private Tensor Split(Tensor x, int heads) => x.view(x.size(0), heads, config.HeadDim);

    private static Tensor Joined(Tensor x) => x.view(x.size(0), -1);
}

/// <summary>What attention needs in the backward pass.</summary>
internal sealed class AttentionTape
{
    public LinearTape Input { get; } = new();

    public LinearTape Output { get; } = new();

    /// <summary>[tokens, heads, headDim] before the norm; null if there is none.</summary>
    public Tensor? RawQuery { get; set; }

    /// <summary>[tokens, kvHeads, headDim] before the norm; null if there is none.</summary>
    public Tensor? RawKey { get; set; }

    /// <summary>[tokens, heads, headDim], rotated.</summary>
    public Tensor? Query { get; set; }

    /// <summary>[tokens, kvHeads, headDim], rotated.</summary>
    public Tensor? Key { get; set; }

    /// <summary>[tokens, kvHeads, headDim]</summary>
    public Tensor? Value { get; set; }

    /// <summary>[tokens, heads * headDim], the heads' results.</summary>
    public Tensor? Attended { get; set; }
}
