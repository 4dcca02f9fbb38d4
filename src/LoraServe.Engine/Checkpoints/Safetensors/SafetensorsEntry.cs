namespace LoraServe.Engine.Checkpoints.Safetensors;

/// <summary>A tensor as a safetensors header describes it.</summary>
/// <param name="Name">Unique in its file.</param>
/// <param name="Dtype">The type of its elements.</param>
/// <param name="Shape">Sizes of its dimensions; empty for a scalar.</param>
/// <param name="Offset">Offset of its first byte from the end of the header.</param>
/// <param name="Length">Length in bytes, exactly that of dtype and shape.</param>
internal sealed record SafetensorsEntry(string Name, SafetensorsDtype Dtype, IReadOnlyList<long> Shape, long Offset, long Length)
{
    /// <summary>"F32 [4, 64]".</summary>
    public string Description => $"{Dtype} [{string.Join(", ", Shape)}]";
}
