using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using LoraServe.Engine.Scheduling;
using static TorchSharp.torch;

namespace LoraServe.Engine.Generation;

/// <summary>Turns a batch into tensors, runs the model and returns plain numbers. No tensor leaves it.</summary>
/// <param name="model">The model.</param>
/// <param name="blockSize">Tokens of a KV block.</param>
/// <param name="mostLogitBytes">Most bytes of logits in memory at the same time.</param>
internal sealed class ModelRunner(BaseModel model, int blockSize, int mostLogitBytes = ModelRunner.UsualLogitBytes)
{
    // Enough for the logits of the default of 64 running sequences on any usual vocabulary: up to 524,288 tokens in float32.
    private const int UsualLogitBytes = 128 << 20;

    private float[] _logits = [];

    /// <summary>
    /// Computes the logits of a batch, which are valid until the next call. One dispose scope holds every tensor made here but those that
    /// the result disposes.
    /// </summary>
    /// <param name="batch">What to compute.</param>
    /// <param name="adapters">For each row, the plain or the merged form of its adapter.</param>
    public BatchLogits Run(Batch batch, IReadOnlyList<LoraAdapter> adapters)
    {
        using var scope = NewDisposeScope();
        var inputs = Inputs(batch, adapters);
        var lora = inputs.Lora.Select(inputs.LogitTokens);
        return new BatchLogits(batch, new LogitSlices(model, model.Hidden(inputs), lora, Buffer, mostLogitBytes));
    }

    /// <summary>The same with each row on the adapter that its sequence leases.</summary>
    public BatchLogits Run(Batch batch) => Run(batch, [.. batch.Rows.Select(row => row.Sequence.Adapter.Adapter)]);

    private float[] Buffer(int count) => _logits.Length >= count ? _logits : _logits = new float[count];

    private ForwardBatch Inputs(Batch batch, IReadOnlyList<LoraAdapter> adapters)
    {
        var ids = new List<long>(batch.TokenCount);
        var positions = new List<long>(batch.TokenCount);
        var places = new List<long>(batch.TokenCount);
        var spans = new List<AttentionSpan>(batch.Rows.Count);
        var wanted = new List<int>();
        foreach (var row in batch.Rows)
        {
            var context = Places(row);
            spans.Add(new AttentionSpan(ids.Count, row.Count, tensor(context, device: model.Device)));
            for (var position = row.Start; position < row.Start + row.Count; position++)
            {
                ids.Add(row.Sequence.Tokens[position]);
                positions.Add(position);
                places.Add(context[position]);
            }

            wanted.AddRange(Enumerable.Range(ids.Count - row.LogitsCount, row.LogitsCount));
        }

        var lora = new LoraBatch(batch.Rows.Zip(adapters, Spans).SelectMany(row => row));
        return new ForwardBatch(Column(ids), Column(positions), Column(places), spans, lora, wanted);
    }

    // A row is a run of the base's tokens, then one of the adapter's; most rows have only one of the two.
    private static IEnumerable<(int Count, LoraAdapter Adapter)> Spans(BatchRow row, LoraAdapter adapter)
    {
        var before = Math.Clamp(row.Sequence.AdapterStart - row.Start, 0, row.Count);
        if (before > 0) yield return (before, LoraAdapter.Base);
        if (before < row.Count) yield return (row.Count - before, adapter);
    }

    private Tensor Column(List<long> values) => tensor(values.ToArray(), device: model.Device);

    // Places in the KV cache of a sequence's tokens, from its first to the row's last.
    private long[] Places(BatchRow row)
    {
        var places = new long[row.Start + row.Count];
        for (var position = 0; position < places.Length; position++)
            places[position] = ((long)row.Sequence.Blocks[position / blockSize] * blockSize) + (position % blockSize);
        return places;
    }
}
