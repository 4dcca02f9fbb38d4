using System.Runtime.InteropServices;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using static TorchSharp.torch;

namespace LoraServe.Engine.Generation;

/// <summary>
/// Logits of the tokens of a step that need them, computed in slices of bounded memory: those of a chunk of a prompt on a large vocabulary would
/// take gigabytes. Read in ascending order, each slice is computed once.
/// </summary>
internal sealed class LogitSlices : IDisposable
{
    private readonly BaseModel _model;
    private readonly LoraBatch _lora;
    private readonly Tensor? _hidden;
    private readonly int _count;
    private readonly int _rows;
    private readonly float[] _values;
    private int _first;
    private int _valid;

    /// <summary>Computes the first slice.</summary>
    /// <param name="model">Has the output head.</param>
    /// <param name="hidden">[tokens, hidden], the last hidden states; stays the caller's.</param>
    /// <param name="lora">The adapters of the same tokens.</param>
    /// <param name="buffer">Gives room for so many floats, in use as long as these slices.</param>
    /// <param name="mostBytes">Of a slice in float32.</param>
    public LogitSlices(BaseModel model, Tensor hidden, LoraBatch lora, Func<int, float[]> buffer, int mostBytes)
    {
        (_model, _lora, _count) = (model, lora, (int)hidden.size(0));
        var vocabulary = model.Config.VocabularySize;
        _rows = Math.Min(_count, Math.Max(1, mostBytes / sizeof(float) / vocabulary));
        _values = buffer(_rows * vocabulary);
        Compute(hidden, first: 0);
        if (_rows < _count) _hidden = hidden.alias().DetachFromDisposeScope();
    }

    /// <summary>[vocabulary] of one token; valid until the next call. Throws the exceptions of the output head.</summary>
    public ReadOnlySpan<float> Of(int token)
    {
        if (token < _first || token >= _first + _valid) Compute(_hidden!, token);
        var vocabulary = _model.Config.VocabularySize;
        return _values.AsSpan((token - _first) * vocabulary, vocabulary);
    }

    /// <summary>Frees the hidden states.</summary>
    public void Dispose() => _hidden?.Dispose();

    private void Compute(Tensor hidden, int first)
    {
        using var scope = NewDisposeScope();
        // A slice that fails must not be taken for the one before it.
        _valid = 0;
        _first = Math.Min(first, _count - _rows);
        var isAll = _rows == _count;
        var logits = _model.Logits(
            isAll ? hidden : hidden.narrow(0, _first, _rows), isAll ? _lora : _lora.Select([.. Enumerable.Range(_first, _rows)])).cpu();
        MemoryMarshal.Cast<byte, float>(logits.bytes).CopyTo(_values);
        _valid = _rows;
    }
}
