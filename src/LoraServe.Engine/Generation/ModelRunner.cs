using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using LoraServe.Engine.Scheduling;

namespace LoraServe.Engine.Generation;

/// <summary>Lays a batch out for the model, runs it and returns plain numbers.</summary>
/// <param name="model">The model.</param>
/// <param name="blockSize">Tokens of a KV block.</param>
/// <param name="mostLogitBytes">Most bytes of logits in memory at the same time.</param>
internal sealed class ModelRunner(BaseModel model, int blockSize, int mostLogitBytes = ModelRunner.UsualLogitBytes)
{
    // Enough for the logits of the default of 64 running sequences on any usual vocabulary: up to 524,288 tokens in float32.
    private const int UsualLogitBytes = 128 << 20;

    private readonly ForwardBatch _inputs = new(blockSize);
    private readonly BatchLogits _logits = new(model, mostLogitBytes);
    private readonly List<LoraAdapter> _leased = [];

    /// <summary>Computes the logits of a batch, which are valid until the next call.</summary>
    /// <param name="batch">What to compute.</param>
    /// <param name="adapters">For each row, the plain or the merged form of its adapter.</param>
    public BatchLogits Run(Batch batch, IReadOnlyList<LoraAdapter> adapters)
    {
        _inputs.Clear();
        for (var i = 0; i < batch.Rows.Count; i++) Add(batch.Rows[i], adapters[i]);
        model.Forward(_inputs);
        _logits.Begin(batch, _inputs.LogitTokens.Count);
        return _logits;
    }

    /// <summary>The same with each row on the adapter that its sequence leases.</summary>
    public BatchLogits Run(Batch batch)
    {
        _leased.Clear();
        foreach (var row in batch.Rows) _leased.Add(row.Sequence.Adapter.Adapter);
        return Run(batch, _leased);
    }

    private void Add(BatchRow row, LoraAdapter adapter)
    {
        _inputs.Spans.Add(new AttentionSpan(_inputs.TokenIds.Count, row.Count, row.Start + row.Count, row.Sequence.Blocks));
        for (var position = row.Start; position < row.Start + row.Count; position++)
        {
            _inputs.TokenIds.Add(row.Sequence.Tokens[position]);
            _inputs.Positions.Add(position);
        }

        for (var i = row.LogitsCount; i > 0; i--) _inputs.LogitTokens.Add(_inputs.TokenIds.Count - i);

        // A row is a run of the base's tokens, then one of the adapter's; most rows have only one of the two.
        var before = Math.Clamp(row.Sequence.AdapterStart - row.Start, 0, row.Count);
        _inputs.Lora.Add(before, LoraAdapter.Base);
        _inputs.Lora.Add(row.Count - before, adapter);
    }
}
