using System.Runtime.InteropServices;

namespace LoraServe.Engine.Kernels;

/// <summary>Memory for kernels, which begins at a line of the processor's cache and which no garbage collection moves.</summary>
internal sealed unsafe class AlignedMemory : IDisposable
{
    private const int Alignment = 64;

    private byte* _address;
    private long _bytes;

    /// <summary>None yet.</summary>
    public AlignedMemory()
    {
    }

    /// <summary>This many bytes; pages that are never written cost nothing on systems that commit lazily.</summary>
    public AlignedMemory(long bytes) => Reserve(bytes);

    /// <summary>The first byte.</summary>
    public byte* Address => _address;

    /// <summary>The first number.</summary>
    public float* Numbers => (float*)_address;

    /// <summary>Makes room for this many bytes; where that is more than there was, the contents are lost and the address changes.</summary>
    public void Reserve(long bytes)
    {
        if (bytes <= _bytes) return;
        Dispose();
        _address = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, Alignment);
        _bytes = bytes;
    }

    /// <summary>The same in float32.</summary>
    public void ReserveNumbers(long count) => Reserve(count * sizeof(float));

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_address);
        _address = null;
        _bytes = 0;
    }
}
