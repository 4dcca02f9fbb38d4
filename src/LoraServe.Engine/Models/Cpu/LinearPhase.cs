using LoraServe.Engine.Kernels.Products;

namespace LoraServe.Engine.Models.Cpu;

/// <summary>
/// The part of a step that multiplies packed rows by linear modules that share an input: their weights, or those that adapters have in place of
/// them, and the A of low-rank updates in the same pass; then B, once all members have come that far.
/// </summary>
/// <param name="linears">At most <see cref="Most"/>, side by side in y.</param>
/// <param name="pass">The step.</param>
/// <param name="member">Whose part this is.</param>
internal readonly unsafe struct LinearPhase(CpuLinear[] linears, StepPass pass, StepMember member)
{
    /// <summary>Most linear modules that share an input: q, k and v.</summary>
    public const int Most = 3;

    // Bytes of weights that a member takes at least: few, so that all end together.
    private const int LeastBytes = 8 << 10;

    // Outputs of an update that a member takes at once.
    private const int Columns = 256;

    /// <summary>Runs it.</summary>
    /// <param name="y">[rows, outputs of all the modules].</param>
    /// <param name="yStride">From one row of y to the next, in numbers.</param>
    public void Run(float* y, long yStride)
    {
        Multiply(y, yStride);
        pass.Meet(member);
        if (!HasLowRank()) return;
        Expand(y, yStride);
        pass.Meet(member);
    }

    private void Multiply(float* y, long yStride)
    {
        var jobs = member.Jobs;
        jobs.Clear();
        var offset = 0;
        for (var i = 0; i < linears.Length; i++)
        {
            AddWeights(linears[i], y + offset, yStride);
            AddShrinks(linears[i], i);
            offset += linears[i].Outputs;
        }

        var groups = 0;
        foreach (var job in jobs) groups += job.Groups;
        var least = Math.Max(1, LeastBytes / (linears[0].Inputs * pass.Kernels.ElementBytes * RowsProduct.Group));
        while (pass.TryTake(member, groups, least, out var from, out var to))
        {
            foreach (var job in jobs)
            {
                if (from < job.Groups && to > 0) job.Run(linears[0].Product, Math.Max(from, 0), Math.Min(to, job.Groups));
                (from, to) = (from - job.Groups, to - job.Groups);
            }
        }
    }

    // The base's weight for the rows of no adapter that has another one.
    private void AddWeights(CpuLinear linear, float* y, long yStride)
    {
        var start = 0;
        foreach (var segment in pass.Segments)
        {
            if (segment.Adapter.Updates[linear.Index] is not { Weight: not 0 } own) continue;
            AddJob(linear, linear.Weight, linear.Bias, linear.Outputs, start, segment.Start - start, y, yStride);
            AddJob(linear, own.Weight, own.Bias, linear.Outputs, segment.Start, segment.Count, y, yStride);
            start = segment.Start + segment.Count;
        }

        AddJob(linear, linear.Weight, linear.Bias, linear.Outputs, start, pass.Rows - start, y, yStride);
    }

    private void AddShrinks(CpuLinear linear, int index)
    {
        var stride = (long)Most * pass.Buffers.Ranks;
        foreach (var segment in pass.Segments)
        {
            if (segment.Adapter.Updates[linear.Index] is { A: not 0 } update)
                AddJob(linear, update.A, 0, update.Rank, segment.Start, segment.Count, pass.Buffers.Shrunk + (index * pass.Buffers.Ranks), stride);
        }
    }

    private void AddJob(CpuLinear linear, nint weight, nint bias, int outputs, int start, int count, float* y, long yStride)
    {
        if (count == 0) return;
        member.Jobs.Add(new ProductJob(
            new ProductOperands
            {
                X = pass.Buffers.Packed + (start * linear.Product.PackedBytes(linear.Inputs)),
                Rows = count,
                W = (void*)weight,
                Inputs = linear.Inputs,
                Bias = (void*)bias,
                Y = y + (start * yStride),
                YStride = yStride,
            },
            outputs));
    }

    private bool HasLowRank()
    {
        foreach (var segment in pass.Segments)
        {
            foreach (var linear in linears)
                if (segment.Adapter.Updates[linear.Index] is { Expansion: not null }) return true;
        }

        return false;
    }

    private void Expand(float* y, long yStride)
    {
        var chunks = 0;
        foreach (var linear in linears) chunks += Chunks(linear);
        while (pass.TryTake(member, chunks, 1, out var from, out var to))
        {
            for (; from < to; from++) ExpandChunk(from, y, yStride);
        }
    }

    private static int Chunks(CpuLinear linear) => (linear.Outputs + Columns - 1) / Columns;

    private void ExpandChunk(int chunk, float* y, long yStride)
    {
        var index = 0;
        for (; chunk >= Chunks(linears[index]); index++)
        {
            chunk -= Chunks(linears[index]);
            y += linears[index].Outputs;
        }

        var linear = linears[index];
        var (from, to) = (chunk * Columns, Math.Min((chunk + 1) * Columns, linear.Outputs));
        var ranks = pass.Buffers.Ranks;
        foreach (var segment in pass.Segments)
        {
            if (segment.Adapter.Updates[linear.Index] is not { Expansion: { } expansion }) continue;
            for (var row = segment.Start; row < segment.Start + segment.Count; row++)
            {
                var ax = pass.Buffers.Shrunk + ((((long)row * Most) + index) * ranks);
                pass.Kernels.Expand(expansion, ax, y + (row * yStride), from, to);
            }
        }
    }
}
