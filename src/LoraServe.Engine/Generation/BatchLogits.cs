using LoraServe.Engine.Scheduling;

namespace LoraServe.Engine.Generation;

/// <summary>
/// The logits of one step, out of the tensors' world: for each row of the batch those of its last <see cref="BatchRow.LogitsCount"/>
/// tokens. To be asked for row by row.
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

    /// <summary>[vocabulary], of one of a row's wanted tokens; valid until the next one is asked for.</summary>
    public ReadOnlySpan<float> Of(int row, int index) => _slices.Of(_firsts[row] + index);

    /// <summary>Frees what rows that were not asked for would need.</summary>
    public void Dispose() => _slices.Dispose();
}
