using LoraServe.Engine.Models;
using LoraServe.Engine.Scheduling;

namespace LoraServe.Engine.Generation;

/// <summary>
/// The logits of one step as plain numbers: for each row of the batch, those of its last <see cref="BatchRow.LogitsCount"/> tokens, to be read row
/// by row. They are computed in slices of bounded memory: those of a chunk of a prompt on a large vocabulary would take gigabytes. Read in ascending
/// order, each slice is computed once.
/// </summary>
/// <param name="model">Has the output head.</param>
/// <param name="mostBytes">Of a slice in float32.</param>
internal sealed class BatchLogits(BaseModel model, int mostBytes)
{
    private readonly List<int> _firsts = [];
    private float[] _values = [];
    private int _count;
    private int _rows;
    private int _first;
    private int _valid;

    /// <summary>Begins with a batch that the model has computed, and computes the first slice.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="count">Tokens with logits.</param>
    public void Begin(Batch batch, int count)
    {
        _firsts.Clear();
        var first = 0;
        foreach (var row in batch.Rows)
        {
            _firsts.Add(first);
            first += row.LogitsCount;
        }

        _count = count;
        _rows = Math.Min(count, Math.Max(1, mostBytes / sizeof(float) / model.Config.VocabularySize));
        var length = _rows * model.Config.VocabularySize;
        if (_values.Length < length) _values = new float[length];
        _valid = 0;
        if (count > 0) Compute(0);
    }

    /// <summary>
    /// [vocabulary] of one of a row's tokens with logits; valid until the next call. Throws the exceptions of the output head.
    /// </summary>
    public ReadOnlySpan<float> Of(int row, int index)
    {
        var token = _firsts[row] + index;
        if (token < _first || token >= _first + _valid) Compute(token);
        return _values.AsSpan((token - _first) * model.Config.VocabularySize, model.Config.VocabularySize);
    }

    private void Compute(int first)
    {
        // A slice that fails must not be taken for the one before it.
        _valid = 0;
        _first = Math.Min(first, _count - _rows);
        model.Logits(_first, _values.AsSpan(0, _rows * model.Config.VocabularySize));
        _valid = _rows;
    }
}
