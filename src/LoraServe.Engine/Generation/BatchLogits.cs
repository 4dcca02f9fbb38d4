namespace LoraServe.Engine.Generation;

/// <summary>
/// The logits of one step, out of the tensors' world: for each row of the batch those of its last <see cref="BatchRow.LogitsCount"/>
/// tokens.
/// </summary>
internal sealed class BatchLogits
{
    private readonly ReadOnlyMemory<float> _values;
    private readonly int[] _firsts;
    private readonly int _vocabularySize;

    /// <param name="batch">The batch that was run.</param>
    /// <param name="values">[wanted tokens, vocabulary], row by row.</param>
    /// <param name="vocabularySize">Logits of one token.</param>
    public BatchLogits(Batch batch, ReadOnlyMemory<float> values, int vocabularySize)
    {
        (_values, _vocabularySize) = (values, vocabularySize);
        _firsts = new int[batch.Rows.Count];
        for (var i = 1; i < _firsts.Length; i++) _firsts[i] = _firsts[i - 1] + batch.Rows[i - 1].LogitsCount;
    }

    /// <summary>[vocabulary], of one of a row's wanted tokens.</summary>
    public ReadOnlySpan<float> Of(int row, int index) => _values.Span.Slice((_firsts[row] + index) * _vocabularySize, _vocabularySize);
}
