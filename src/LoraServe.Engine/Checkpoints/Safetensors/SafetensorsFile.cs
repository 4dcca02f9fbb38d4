using System.Buffers.Binary;
using LoraServe.Engine.Storage;
using LoraServe.Text.Files;
using static TorchSharp.torch;

namespace LoraServe.Engine.Checkpoints.Safetensors;

/// <summary>
/// A safetensors file: 8 bytes of header length (little endian), the header, the data of the tensors. Everything about it is checked when
/// it is opened.
/// </summary>
internal sealed unsafe class SafetensorsFile : IDisposable
{
    /// <summary>The format's own limit on the header; adapters have a smaller one.</summary>
    public const int MaxHeaderLength = 100_000_000;

    private const int LengthField = sizeof(ulong);
    private const int CopyChunk = 1 << 30;
    private const int PointerBytes = 64;

    private readonly FileMemory _memory;
    private readonly SafetensorsHeader _header;
    private readonly long _dataStart;

    private SafetensorsFile(string fileName, FileMemory memory, int maxHeaderLength)
    {
        (FileName, _memory) = (fileName, memory);
        if (GitLfsPointer.Is(new ReadOnlySpan<byte>(memory.Start, (int)Math.Min(memory.Length, PointerBytes))))
            throw new InvalidSafetensorsException(FileName, GitLfsPointer.Fault);
        if (memory.Length < LengthField)
            throw new InvalidSafetensorsException(FileName, $"expected at least {LengthField} bytes, found {memory.Length}");
        var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(memory.Start, LengthField));
        var most = (ulong)Math.Min(maxHeaderLength, memory.Length - LengthField);
        if (headerLength > most)
            throw new InvalidSafetensorsException(FileName, $"the header claims {headerLength} bytes, at most {most} are possible");
        _dataStart = LengthField + (long)headerLength;
        _header = SafetensorsHeader.Parse(
            FileName, new ReadOnlySpan<byte>(memory.Start + LengthField, (int)headerLength), memory.Length - _dataStart);
    }

    /// <summary>Maps a file and checks it. It must not be truncated by others while it is open.</summary>
    /// <exception cref="InvalidSafetensorsException">It breaks the format in any way.</exception>
    public static SafetensorsFile Open(string path, int maxHeaderLength = MaxHeaderLength) =>
        Open(path, FileMemory.Map(path), maxHeaderLength);

    /// <summary>Reads a whole file into memory and checks it; later changes of the file have no effect.</summary>
    /// <exception cref="InvalidSafetensorsException">It breaks the format in any way.</exception>
    /// <exception cref="EndOfStreamException">It became shorter while it was read.</exception>
    public static SafetensorsFile OpenInMemory(string path, int maxHeaderLength) => Open(path, FileMemory.Read(path), maxHeaderLength);

    /// <summary>The file's name, without its folder.</summary>
    public string FileName { get; }

    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _header.Entries;

    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>
    /// The bytes of a tensor from <paramref name="start"/> on, at most <paramref name="count"/>; valid until the file is disposed.
    /// </summary>
    public ReadOnlySpan<byte> Bytes(SafetensorsEntry entry, long start = 0, int count = int.MaxValue)
    {
        ObjectDisposedException.ThrowIf(_memory.IsDisposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, entry.Length);
        return new ReadOnlySpan<byte>(_memory.Start + _dataStart + entry.Offset + start, (int)Math.Min(count, entry.Length - start));
    }

    /// <summary>
    /// A copy of a tensor in its stored dtype, owned by the caller: in no dispose scope, not an inference tensor, without gradient.
    /// </summary>
    /// <exception cref="InvalidSafetensorsException">It is not F32, F16 or BF16.</exception>
    public Tensor Read(string name)
    {
        var entry = Entries[name];
        return Read(entry, [.. entry.Shape], 0, entry.Length);
    }

    /// <summary>The same for a range of rows, along the first dimension; the tensor must not be a scalar.</summary>
    public Tensor Read(string name, long start, long rows)
    {
        var entry = Entries[name];
        var row = entry.Length / entry.Shape[0];
        return Read(entry, [rows, .. entry.Shape.Skip(1)], start * row, rows * row);
    }

    /// <summary>Copies a tensor into one of its shape and stored dtype on the CPU.</summary>
    public void ReadInto(string name, Tensor target)
    {
        var entry = Entries[name];
        if (target.dtype != entry.Dtype.ToScalarType() || !target.shape.SequenceEqual(entry.Shape))
            throw new ArgumentException($"Expected {entry.Dtype} [{string.Join(", ", entry.Shape)}], found {target.dtype} [{string.Join(", ", target.shape)}].", nameof(target));
        Copy(entry, 0, entry.Length, target);
    }

    private Tensor Read(SafetensorsEntry entry, long[] shape, long start, long length)
    {
        var dtype = entry.Dtype.ToScalarType()
            ?? throw new InvalidSafetensorsException(FileName, $"tensor '{entry.Name}': expected F32, F16 or BF16, found {entry.Dtype}");
        using var normalMode = inference_mode(false);
        var tensor = empty(shape, dtype).DetachFromDisposeScope();
        Copy(entry, start, length, tensor);
        return tensor;
    }

    private void Copy(SafetensorsEntry entry, long from, long length, Tensor tensor)
    {
        var width = entry.Dtype.Bits() / 8;
        using var flat = tensor.view(-1);
        for (var start = 0L; start < length; start += CopyChunk)
        {
            var bytes = Bytes(entry, from + start, (int)Math.Min(CopyChunk, length - start));
            using var chunk = flat.narrow(0, start / width, bytes.Length / width);
            bytes.CopyTo(chunk.bytes);
        }
    }

    /// <summary>Releases the file.</summary>
    public void Dispose() => _memory.Dispose();

    private static SafetensorsFile Open(string path, FileMemory memory, int maxHeaderLength)
    {
        try
        {
            return new SafetensorsFile(Path.GetFileName(path), memory, maxHeaderLength);
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }
}
