using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Optimization;

/// <summary>A tensor's float32 values in main memory: its own if it is there, a copy if it is on a device.</summary>
internal sealed class FloatPieces : IDisposable
{
    // A span has at most 2 GiB.
    private const int Piece = 1 << 28;

    private readonly Tensor _tensor;
    private readonly Tensor _local;

    /// <param name="tensor">Contiguous float32, stays the caller's.</param>
    public FloatPieces(Tensor tensor)
        : this(tensor, 0, tensor.numel())
    {
    }

    /// <summary>Some of its elements.</summary>
    public FloatPieces(Tensor tensor, long first, long count)
    {
        using var flat = tensor.view(-1);
        _tensor = flat.narrow(0, first, count);
        _local = _tensor.cpu();
    }

    /// <summary>Of every piece but the last.</summary>
    public const int Bytes = Piece * sizeof(float);

    /// <summary>Number of pieces.</summary>
    public int Count => (int)((_local.numel() + Piece - 1) / Piece);

    /// <summary>One of them, valid until this is disposed.</summary>
    public Span<float> this[int index]
    {
        get
        {
            using var piece = _local.narrow(0, (long)index * Piece, Math.Min(Piece, _local.numel() - ((long)index * Piece)));
            return MemoryMarshal.Cast<byte, float>(piece.bytes);
        }
    }

    /// <summary>Copies written values to the device.</summary>
    public void Store()
    {
        if (_tensor.device_type != TorchSharp.DeviceType.CPU) _tensor.copy_(_local);
    }

    /// <summary>Frees the copy, if there is one.</summary>
    public void Dispose()
    {
        _local.Dispose();
        _tensor.Dispose();
    }
}
