using System.Runtime.InteropServices;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using static TorchSharp.torch;

namespace LoraServe.Engine.Generation;

/// <summary>Turns a scheduled batch into tensors, runs the model and returns plain numbers. No tensor leaves it.</summary>
internal sealed class ModelRunner(BaseModel model, int blockSize)
{
    private float[] _logits = [];

    /// <summary>
    /// Computes the batch's tokens; the result is valid until the next call. One dispose scope holds everything that it makes.
    /// </summary>
    /// <param name="batch">What to compute.</param>
    /// <param name="adapterOf">The form of a sequence's adapter to run it on.</param>
    public BatchLogits Run(Batch batch, Func<Sequence, LoraAdapter> adapterOf)
    {
        using var scope = NewDisposeScope();
        using var logits = model.Forward(Inputs(batch, adapterOf)).cpu();
        var count = checked((int)logits.numel());
        if (_logits.Length < count) _logits = new float[count];
        MemoryMarshal.Cast<byte, float>(logits.bytes).CopyTo(_logits);
        return new BatchLogits(batch, _logits, model.Config.VocabularySize);
    }

    /// <summary>The same with each sequence on the adapter that it leases.</summary>
    public BatchLogits Run(Batch batch) => Run(batch, static sequence => sequence.Adapter.Adapter);

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
