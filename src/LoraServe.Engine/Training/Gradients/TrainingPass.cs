using System.Diagnostics;
using LoraServe.Engine.Training.Data;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>One pass over a batch, in slices of about one layer.</summary>
internal sealed class TrainingPass : ISlicedWork
{
    private readonly TrainedDecoder _decoder;
    private readonly TrainingBatch _batch;
    private readonly double? _weight;
    private readonly Dropout? _dropout;
    private readonly bool _recomputes;
    private readonly Queue<Slice> _slices = [];
    private readonly Workspace _workspace;
    private readonly LayerTape?[] _layers;

    // At the bottom the tensors of the whole pass; above them each layer's inputs and kept tensors for the backward pass.
    private readonly Tape _tape;
    private readonly Tensor?[] _inputs;
    private PassInputs? _shared;
    private Tensor? _tokens;
    private Tensor? _places;
    private Tensor? _targets;
    private Tensor? _rows;
    private Tensor? _normed;
    private Tensor? _gradient;
    private bool _isDisposed;

    /// <param name="decoder">Stays the caller's.</param>
    /// <param name="batch">Tokens and targets.</param>
    /// <param name="weight">The loss weight, or null for a forward pass alone.</param>
    /// <param name="dropout">What is dropped, or null.</param>
    /// <param name="recomputes">Whether only the inputs of layers are kept.</param>
    public TrainingPass(TrainedDecoder decoder, TrainingBatch batch, double? weight, Dropout? dropout, bool recomputes)
    {
        (_decoder, _batch, _weight, _dropout, _recomputes) = (decoder, batch, weight, dropout, recomputes);
        _workspace = decoder.TakeWorkspace();
        _tape = new Tape(_workspace, keeps: true);
        var layers = decoder.Layers.Count;
        (_layers, _inputs) = (new LayerTape?[layers], new Tensor?[layers + 1]);
        var targets = batch.TargetCount;
        if (targets == 0) return;

        _slices.Enqueue(new(Stage.Begin));
        for (var i = 0; i < layers; i++) _slices.Enqueue(new(Stage.ForwardLayer, i));
        _slices.Enqueue(new(Stage.BeginLoss));
        for (var first = 0; first < targets; first += decoder.Head.ChunkRows) _slices.Enqueue(new(Stage.AddLoss, first));
        if (weight is null) return;
        _slices.Enqueue(new(Stage.EndLoss));
        for (var i = layers - 1; i >= decoder.LowestTrained; i--) _slices.Enqueue(new(Stage.BackwardLayer, i));
        if (decoder.Embedding.IsTrained) _slices.Enqueue(new(Stage.BackwardEmbedding));
    }

    /// <summary>The sum of the cross-entropies in nats over the batch's targets; final once <see cref="Advance"/> returned false.</summary>
    public double LossSum { get; private set; }

    /// <summary>How many targets were the most probable token.</summary>
    public int Correct { get; private set; }

    /// <summary>Peak memory so far.</summary>
    public long Bytes => _workspace.Bytes;

    /// <summary>Computes the next slice.</summary>
    public bool Advance()
    {
        if (!_slices.TryDequeue(out var slice)) return false;
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        var start = _workspace.Slice.Top;
        Run(slice);
        _workspace.Slice.Release(start);
        return _slices.Count > 0;
    }

    /// <summary>Frees the activations for the next pass.</summary>
    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        _slices.Clear();
        foreach (var layer in _layers) layer?.Dispose();
        foreach (var input in _inputs) input?.Dispose();
        _normed?.Dispose();
        _tape.Dispose();
        _decoder.Return(_workspace);
    }

    private void Run(Slice slice)
    {
        switch (slice.Stage)
        {
            case Stage.Begin: Begin(); break;
            case Stage.ForwardLayer: ForwardLayer(slice.Index); break;
            case Stage.BeginLoss: BeginLoss(); break;
            case Stage.AddLoss: AddLoss(slice.Index); break;
            case Stage.EndLoss: EndLoss(); break;
            case Stage.BackwardLayer: BackwardLayer(slice.Index); break;
            case Stage.BackwardEmbedding: _decoder.Embedding.Backward(_gradient!, _tokens!); break;
            default: throw new UnreachableException($"There is no stage {slice.Stage}.");
        }
    }

    private void Begin()
    {
        var device = _decoder.Embedding.Weight.device;
        var (cosine, sine) = _decoder.Rotation(_batch.Lengths);
        _shared = new PassInputs(_batch.Lengths, _tape.Keep(cosine), _tape.Keep(sine), _workspace, _dropout);
        _tokens = _tape.Keep(tensor(_batch.Tokens.Select(token => (long)token).ToArray(), device: device));
        var places = Enumerable.Range(0, _batch.Targets.Count).Where(i => _batch.Targets[i] >= 0).ToList();
        _places = _tape.Keep(tensor(places.Select(place => (long)place).ToArray(), device: device));
        _targets = _tape.Keep(tensor(places.Select(place => (long)_batch.Targets[place]).ToArray(), device: device));
        var embedded = _decoder.Embedding.Forward(_tokens);
        if (_weight is not null) _gradient = _tape.New(embedded.shape);
        _rows = _tape.New(places.Count, embedded.size(1));
        _normed = _workspace.Kept.Push(_rows.shape).DetachFromDisposeScope();
        SetInput(0, embedded);
    }

    private void ForwardLayer(int i)
    {
        var isNeeded = _weight is not null && i >= _decoder.LowestTrained;
        var tape = new LayerTape(_workspace, isNeeded && !_recomputes);
        var result = _decoder.Layers[i].Forward(_inputs[i]!, _shared!, tape);
        if (isNeeded)
        {
            if (!_recomputes) _layers[i] = tape;
            SetInput(i + 1, result);
            return;
        }

        (_inputs[i + 1], _inputs[i]) = (_inputs[i], null);
        _inputs[i + 1]!.copy_(result);
    }

    private void SetInput(int layer, Tensor x) => _inputs[layer] = _workspace.Kept.Push(x.shape).copy_(x).DetachFromDisposeScope();

    private void BeginLoss()
    {
        _rows!.copy_(_inputs[^1]!.index_select(0, _places!));
        _normed!.copy_(_decoder.Head.Norm.Forward(_rows, new Tape(_workspace, keeps: false)));
    }

    private void AddLoss(int first)
    {
        var count = Math.Min(_decoder.Head.ChunkRows, _targets!.size(0) - first);
        var (loss, correct) = _decoder.Head.Run(
            _normed!.narrow(0, first, count),
            _targets.narrow(0, first, count),
            _weight,
            _shared! with { Dropout = _dropout?.Part(first) });
        LossSum += loss;
        Correct += correct;
    }

    // The rows of the norm have become their gradients.
    private void EndLoss() => _gradient!.zero_().index_copy_(0, _places!, _decoder.Head.Norm.Backward(_normed!, _rows!));

    private void BackwardLayer(int i)
    {
        var layer = _decoder.Layers[i];
        var tape = _layers[i];
        if (tape is null)
        {
            tape = new LayerTape(_workspace, keeps: false);
            layer.Forward(_inputs[i]!, _shared!, tape);
        }

        var needsInput = i > _decoder.LowestTrained || _decoder.Embedding.IsTrained;
        if (layer.Backward(_gradient!, _inputs[i]!, _shared!, tape, needsInput) is { } gradient) _gradient!.copy_(gradient);
        tape.Dispose();
        _layers[i] = null;
    }

    private enum Stage
    {
        Begin,
        ForwardLayer,
        BeginLoss,
        AddLoss,
        EndLoss,
        BackwardLayer,
        BackwardEmbedding,
    }

    // The index of a layer, or of the first target of a chunk.
    private readonly record struct Slice(Stage Stage, int Index = 0);
}
