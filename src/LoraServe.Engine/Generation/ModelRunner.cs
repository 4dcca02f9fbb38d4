using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;
using static TorchSharp.torch;

namespace LoraServe.Engine.Generation;

/// <summary>Turns a scheduled batch into tensors, runs the model and returns plain numbers. No tensor leaves it.</summary>
/// <param name="model">The model.</param>
/// <param name="blockSize">Tokens of a KV block.</param>
/// <param name="mostLogitBytes">Of logits that are in memory at the same time.</param>
internal sealed class ModelRunner(BaseModel model, int blockSize, int mostLogitBytes = ModelRunner.UsualLogitBytes)
{
    // More than the logits of all sequences that generate together need, but on the largest vocabularies.
    private const int UsualLogitBytes = 128 << 20;

    private float[] _logits = [];

    /// <summary>
    /// Computes the batch's tokens; the result is valid until the next call, and frees what it holds when it is disposed. One dispose scope
    /// holds everything else that it makes.
    /// </summary>
    /// <param name="batch">What to compute.</param>
    /// <param name="adapterOf">The form of a sequence's adapter to run it on.</param>
    public BatchLogits Run(Batch batch, Func<Sequence, LoraAdapter> adapterOf)
    {
        using var scope = NewDisposeScope();
        var inputs = Inputs(batch, adapterOf);
        var lora = inputs.Lora.Select(inputs.LogitTokens);
        return new BatchLogits(batch, new LogitSlices(model, model.Hidden(inputs), lora, Buffer, mostLogitBytes));
    }

    /// <summary>The same with each sequence on the adapter that it leases.</summary>
    public BatchLogits Run(Batch batch) => Run(batch, static sequence => sequence.Adapter.Adapter);

    private float[] Buffer(int count) => _logits.Length >= count ? _logits : _logits = new float[count];

    private ForwardBatch Inputs(Batch batch, Func<Sequence, LoraAdapter> adapterOf)
    {
        var ids = new List<long>(batch.TokenCount);
        var positions = new List<long>(batch.TokenCount);
        var slots = new List<long>(batch.TokenCount);
        var spans = new List<AttentionSpan>(batch.Rows.Count);
        var wanted = new List<int>();
        foreach (var row in batch.Rows)
        {
            var context = Slots(row);
            spans.Add(new AttentionSpan(ids.Count, row.Count, tensor(context, device: model.Device)));
            for (var position = row.Start; position < row.Start + row.Count; position++)
            {
                ids.Add(row.Sequence.Tokens[position]);
                positions.Add(position);
                slots.Add(context[position]);
            }

            wanted.AddRange(Enumerable.Range(ids.Count - row.LogitsCount, row.LogitsCount));
        }

        var lora = new LoraBatch(batch.Rows.SelectMany(row => Spans(row, adapterOf(row.Sequence))));
        return new ForwardBatch(Column(ids), Column(positions), Column(slots), spans, lora, wanted);
    }

    // A row is a run of the base's tokens, then one of the adapter's; most rows have only one of the two.
    private static IEnumerable<(int Count, LoraAdapter Adapter)> Spans(BatchRow row, LoraAdapter adapter)
    {
        var before = Math.Clamp(row.Sequence.AdapterStart - row.Start, 0, row.Count);
        if (before > 0) yield return (before, LoraAdapter.Base);
        if (before < row.Count) yield return (row.Count - before, adapter);
    }

    private Tensor Column(List<long> values) => tensor(values.ToArray(), device: model.Device);

    // KV slots of a sequence's tokens from its first to the row's last.
    private long[] Slots(BatchRow row)
    {
        var slots = new long[row.Start + row.Count];
        for (var position = 0; position < slots.Length; position++)
            slots[position] = ((long)row.Sequence.Blocks[position / blockSize] * blockSize) + (position % blockSize);
        return slots;
    }
}
