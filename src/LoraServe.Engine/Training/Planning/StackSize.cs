using System.Numerics;
using LoraServe.Engine.Training.Gradients;

namespace LoraServe.Engine.Training.Planning;

/// <summary>The memory of a <see cref="TensorStack"/> for a sequence of tensors, in elements.</summary>
internal sealed class StackSize
{
    private long _left;

    /// <summary>Elements of all chunks.</summary>
    public long Elements { get; private set; }

    /// <summary>Adds tensors of this many elements each.</summary>
    public void Push(params ReadOnlySpan<long> sizes)
    {
        foreach (var size in sizes)
        {
            var needed = (size + TensorStack.Alignment - 1) / TensorStack.Alignment * TensorStack.Alignment;
            if (needed > _left)
            {
                _left = needed <= TensorStack.ChunkSize ? TensorStack.ChunkSize : (long)BitOperations.RoundUpToPowerOf2((ulong)needed);
                Elements += _left;
            }

            _left -= needed;
        }
    }
}
