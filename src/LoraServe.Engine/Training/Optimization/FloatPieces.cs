using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Optimization;

/// <summary>A tensor's float32 values in main memory: its own where it lies there, a copy where it is on a device.</summary>
internal sealed class FloatPieces : IDisposable
{
    // A span holds at most 2 GB.
    private const int Piece = 1 << 28;

    private readonly Tensor _tensor;
    private readonly Tensor _local;
    private readonly Tensor _flat;

    /// <param name="tensor">Contiguous float32, stays the caller's.</param>
    public FloatPieces(Tensor tensor)
    {
        _tensor = tensor;
        _local = tensor.cpu();
        _flat = _local.view(-1);
    }

    /// <summary>Of every piece but the last.</summary>
    public const int Bytes = Piece * sizeof(float);

    /// <summary>Number of pieces.</summary>
    public int Count => (int)((_flat.numel() + Piece - 1) / Piece);

    /// <summary>One of them, valid until this is disposed.</summary>
    public Span<float> this[int index]
    {
        get
        {
            using var piece = _flat.narrow(0, (long)index * Piece, Math.Min(Piece, _flat.numel() - ((long)index * Piece)));
            return MemoryMarshal.Cast<byte, float>(piece.bytes);
        }
    }

    /// <summary>Brings what was written to the device.</summary>
    public void Store()
    {
        if (_tensor.device_type != TorchSharp.DeviceType.CPU) _tensor.copy_(_local);
    }

    /// <summary>Frees the copy, if there is one.</summary>
    public void Dispose()
    {
        _flat.Dispose();
        _local.Dispose();
    }
}
