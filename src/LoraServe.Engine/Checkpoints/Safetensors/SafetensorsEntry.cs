namespace LoraServe.Engine.Checkpoints.Safetensors;

/// <summary>A tensor as a safetensors header describes it.</summary>
/// <param name="Name">Unique in its file.</param>
/// <param name="Dtype">What its elements are.</param>
/// <param name="Shape">Sizes of its dimensions; empty for a scalar.</param>
/// <param name="Offset">Where its bytes begin, counted from the end of the header.</param>
/// <param name="Length">Number of its bytes: exactly what dtype and shape need.</param>
internal sealed record SafetensorsEntry(string Name, SafetensorsDtype Dtype, IReadOnlyList<long> Shape, long Offset, long Length)
{
    /// <summary>"F32 [4, 64]".</summary>
    public string Description => $"{Dtype} [{string.Join(", ", Shape)}]";
}
