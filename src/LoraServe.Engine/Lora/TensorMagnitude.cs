using System.Numerics;
using System.Runtime.InteropServices;
using LoraServe.Engine.Checkpoints.Safetensors;

namespace LoraServe.Engine.Lora;

/// <summary>Finds the largest absolute value of a stored tensor without converting it, piece by piece.</summary>
/// <param name="dtype">F32, F16 or BF16.</param>
internal sealed class TensorMagnitude(SafetensorsDtype dtype)
{
    private uint _largest;

    /// <summary>The largest value so far: 0 for zeros; not finite if there is a NaN or an infinity.</summary>
    public float Largest => dtype switch
    {
        SafetensorsDtype.F32 => BitConverter.UInt32BitsToSingle(_largest),
        SafetensorsDtype.F16 => (float)BitConverter.UInt16BitsToHalf((ushort)_largest),
        _ => BitConverter.UInt32BitsToSingle(_largest << 16),
    };

    /// <summary>Appends whole elements.</summary>
    public void Append(ReadOnlySpan<byte> bytes) =>
        _largest = Math.Max(_largest, dtype == SafetensorsDtype.F32 ? Largest32(bytes) : Largest16(bytes));

    // Without the sign bit, IEEE floats order like the integers of their bits: zero first, then finite values, infinity, NaN.
    private static uint Largest32(ReadOnlySpan<byte> bytes)
    {
        var numbers = MemoryMarshal.Cast<byte, uint>(bytes);
        var vectors = MemoryMarshal.Cast<uint, Vector<uint>>(numbers);
        var most = Vector<uint>.Zero;
        foreach (var vector in vectors) most = Vector.Max(most, vector & new Vector<uint>(0x7FFF_FFFF));

        var largest = 0u;
        for (var i = 0; i < Vector<uint>.Count; i++) largest = Math.Max(largest, most[i]);
        foreach (var bits in numbers[(vectors.Length * Vector<uint>.Count)..]) largest = Math.Max(largest, bits & 0x7FFF_FFFF);
        return largest;
    }

    private static uint Largest16(ReadOnlySpan<byte> bytes)
    {
        var numbers = MemoryMarshal.Cast<byte, ushort>(bytes);
        var vectors = MemoryMarshal.Cast<ushort, Vector<ushort>>(numbers);
        var most = Vector<ushort>.Zero;
        foreach (var vector in vectors) most = Vector.Max(most, vector & new Vector<ushort>(0x7FFF));

        var largest = 0u;
        for (var i = 0; i < Vector<ushort>.Count; i++) largest = Math.Max(largest, most[i]);
        foreach (var bits in numbers[(vectors.Length * Vector<ushort>.Count)..]) largest = Math.Max(largest, bits & 0x7FFFu);
        return largest;
    }
}
