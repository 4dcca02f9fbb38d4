using LoraServe.Engine.Training.Data;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>One pass over a batch in slices of about one layer, so that requests can go between two of them.</summary>
internal sealed class TrainingPass : IDisposable
{
    private readonly TrainedDecoder _decoder;
    private readonly TrainingBatch _batch;
    private readonly double? _weight;
    private readonly Dropout? _dropout;
    private readonly bool _recomputes;
    private readonly Queue<Action> _slices = [];
    private readonly Tape _tape = new(keeps: true);
    private readonly LayerTape?[] _layers;

    // What each layer on the way back was given; the last is the result of the last layer.
    private readonly Tensor?[] _inputs;
    private PassInputs? _shared;
    private Tensor? _tokens;
    private Tensor? _places;
    private Tensor? _targets;
    private Tensor? _rows;
    private Tensor? _normed;
    private Tensor? _gradient;

    /// <param name="decoder">Stays the caller's.</param>
    /// <param name="batch">Tokens and targets.</param>
    /// <param name="weight">What losses are multiplied by, or null where there is no way back.</param>
    /// <param name="dropout">What is dropped, or null.</param>
    /// <param name="recomputes">Whether only the inputs of layers are kept.</param>
    public TrainingPass(TrainedDecoder decoder, TrainingBatch batch, double? weight, Dropout? dropout, bool recomputes)
    {
        (_decoder, _batch, _weight, _dropout, _recomputes) = (decoder, batch, weight, dropout, recomputes);
        var layers = decoder.Layers.Count;
        (_layers, _inputs) = (new LayerTape?[layers], new Tensor?[layers + 1]);
        var targets = batch.TargetCount;
        if (targets == 0) return;

        _slices.Enqueue(Begin);
        for (var i = 0; i < layers; i++) Enqueue(ForwardLayer, i);
        _slices.Enqueue(BeginLoss);
        for (var first = 0; first < targets; first += decoder.Head.ChunkRows) Enqueue(AddLoss, first);
        if (weight is null) return;
        _slices.Enqueue(EndLoss);
        for (var i = layers - 1; i >= decoder.LowestTrained; i--) Enqueue(BackwardLayer, i);
        if (decoder.Embedding.IsTrained) _slices.Enqueue(() => decoder.Embedding.Backward(_gradient!, _tokens!));
    }

    /// <summary>The sum of the cross-entropies in nats over the batch's targets; final once <see cref="Advance"/> returned false.</summary>
    public double LossSum { get; private set; }

    /// <summary>How many targets were the most probable token.</summary>
    public int Correct { get; private set; }

    /// <summary>Does the next slice; false when there is none left.</summary>
    public bool Advance()
    {
        if (!_slices.TryDequeue(out var slice)) return false;
        using var inference = inference_mode();
        using var scope = NewDisposeScope();
        slice();
        return _slices.Count > 0;
    }

    /// <summary>Frees the activations.</summary>
    public void Dispose()
    {
        _slices.Clear();
        _tape.Dispose();
        foreach (var layer in _layers) layer?.Dispose();
        foreach (var input in _inputs) input?.Dispose();
        _normed?.Dispose();
        _gradient?.Dispose();
    }

    private void Enqueue(Action<int> slice, int argument) => _slices.Enqueue(() => slice(argument));

    private void Begin()
    {
        var device = _decoder.Embedding.Weight.device;
        var (cosine, sine) = _decoder.Rotation(_batch.Lengths);
        _shared = new PassInputs(_batch.Lengths, _tape.Keep(cosine), _tape.Keep(sine), _dropout);
        _tokens = _tape.Keep(tensor(_batch.Tokens.Select(token => (long)token).ToArray(), device: device));
        var places = Enumerable.Range(0, _batch.Targets.Count).Where(i => _batch.Targets[i] >= 0).ToList();
        _places = _tape.Keep(tensor(places.Select(place => (long)place).ToArray(), device: device));
        _targets = _tape.Keep(tensor(places.Select(place => (long)_batch.Targets[place]).ToArray(), device: device));
        _inputs[0] = _decoder.Embedding.Forward(_tokens).DetachFromDisposeScope();
    }

    private void ForwardLayer(int i)
    {
        var isNeeded = _weight is not null && i >= _decoder.LowestTrained;
        var tape = new LayerTape(isNeeded && !_recomputes);
        _inputs[i + 1] = _decoder.Layers[i].Forward(_inputs[i]!, _shared!, tape).DetachFromDisposeScope();
        if (isNeeded)
        {
            if (!_recomputes) _layers[i] = tape;
            return;
        }

        Free(ref _inputs[i]);
    }

    private void BeginLoss()
    {
        _rows = _tape.Keep(_inputs[^1]!.index_select(0, _places!));
        _normed = _decoder.Head.Norm.Forward(_rows).DetachFromDisposeScope();
    }

    private void AddLoss(int first)
    {
        var count = Math.Min(_decoder.Head.ChunkRows, _targets!.size(0) - first);
        var (loss, correct) = _decoder.Head.Run(
            _normed!.narrow(0, first, count), _targets.narrow(0, first, count), _weight, _dropout?.Part(first));
        LossSum += loss;
        Correct += correct;
    }

    // The rows of the norm are their gradients now.
    private void EndLoss()
    {
        var rows = _decoder.Head.Norm.Backward(_normed!, _rows!);
        _gradient = zeros_like(_inputs[^1]!).index_copy_(0, _places!, rows).DetachFromDisposeScope();
        Free(ref _normed);
        Free(ref _inputs[^1]);
    }

    private void BackwardLayer(int i)
    {
        var layer = _decoder.Layers[i];
        var tape = _layers[i];
        if (tape is null)
        {
            tape = new LayerTape(keeps: false);
            layer.Forward(_inputs[i]!, _shared!, tape);
        }

        var needsInput = i > _decoder.LowestTrained || _decoder.Embedding.IsTrained;
        var gradient = layer.Backward(_gradient!, _inputs[i]!, _shared!, tape, needsInput)?.DetachFromDisposeScope();
        Free(ref _gradient);
        _gradient = gradient;
        tape.Dispose();
        Free(ref _inputs[i]);
    }

    private static void Free(ref Tensor? tensor)
    {
        tensor?.Dispose();
        tensor = null;
    }
}
