using LoraServe.Engine.Scheduling;

namespace LoraServe.Engine.Generation;

/// <summary>
/// The logits of one step as plain numbers: for each row of the batch, those of its last <see cref="BatchRow.LogitsCount"/> tokens. To be read
/// row by row.
/// </summary>
internal sealed class BatchLogits : IDisposable
{
    private readonly LogitSlices _slices;
    private readonly int[] _firsts;

    /// <param name="batch">The batch that was run.</param>
    /// <param name="slices">Of all wanted tokens, row by row; taken over.</param>
    public BatchLogits(Batch batch, LogitSlices slices)
    {
        _slices = slices;
        _firsts = new int[batch.Rows.Count];
        for (var i = 1; i < _firsts.Length; i++) _firsts[i] = _firsts[i - 1] + batch.Rows[i - 1].LogitsCount;
    }

    /// <summary>[vocabulary] of one of a row's tokens with logits; valid until the next call.</summary>
    public ReadOnlySpan<float> Of(int row, int index) => _slices.Of(_firsts[row] + index);

    /// <summary>Frees the hidden states of rows that were not read.</summary>
    public void Dispose() => _slices.Dispose();
}
