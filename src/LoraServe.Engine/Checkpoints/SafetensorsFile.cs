using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using static TorchSharp.torch;

namespace LoraServe.Engine.Checkpoints;

/// <summary>
/// A memory-mapped safetensors file: 8 bytes of header length (little endian), the header, the data of the tensors. Everything about
/// it is checked when it is opened. It must not be truncated by others while it is open.
/// </summary>
internal sealed unsafe class SafetensorsFile : IDisposable
{
    /// <summary>The format's own limit on the header; adapters have a smaller one.</summary>
    public const int MaxHeaderLength = 100_000_000;

    private const int LengthField = sizeof(ulong);
    private const int CopyChunk = 1 << 30;

    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly SafetensorsHeader _header;
    private readonly byte* _data;

    private SafetensorsFile(string path, int maxHeaderLength)
    {
        FileName = Path.GetFileName(path);

        // One handle for all: another file may take the path's place at any moment.
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        var length = file.Length;
        if (length < LengthField)
        {
            file.Dispose();
            throw new InvalidSafetensorsException(FileName, $"expected at least {LengthField} bytes, found {length}");
        }

        _map = MemoryMappedFile.CreateFromFile(
            file, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
        _view = _map.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        try
        {
            var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(start, LengthField));
            var most = (ulong)Math.Min(maxHeaderLength, length - LengthField);
            if (headerLength > most)
            {
                throw new InvalidSafetensorsException(FileName, $"the header claims {headerLength} bytes, at most {most} are possible");
            }

            _data = start + LengthField + headerLength;
            _header = SafetensorsHeader.Parse(
                FileName, new ReadOnlySpan<byte>(start + LengthField, (int)headerLength), length - LengthField - (long)headerLength);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Maps a file and checks it.</summary>
    /// <exception cref="InvalidSafetensorsException">It breaks the format in any way.</exception>
    public static SafetensorsFile Open(string path, int maxHeaderLength = MaxHeaderLength) => new(path, maxHeaderLength);

    /// <summary>Without its folder.</summary>
    public string FileName { get; }

    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _header.Entries;

    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>
    /// The bytes of a tensor from <paramref name="start"/> on, at most <paramref name="count"/>; valid until the file is disposed.
    /// </summary>
    public ReadOnlySpan<byte> Bytes(SafetensorsEntry entry, long start = 0, int count = int.MaxValue)
    {
        ObjectDisposedException.ThrowIf(_view.SafeMemoryMappedViewHandle.IsClosed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, entry.Length);
        return new ReadOnlySpan<byte>(_data + entry.Offset + start, (int)Math.Min(count, entry.Length - start));
    }

    /// <summary>
    /// A copy of a tensor in its stored dtype, owned by the caller: in no dispose scope, not an inference tensor, without gradient.
    /// </summary>
    /// <exception cref="InvalidSafetensorsException">It is not F32, F16 or BF16.</exception>
    public Tensor Read(string name)
    {
        var entry = Entries[name];
        var dtype = entry.Dtype switch
        {
            SafetensorsDtype.F32 => ScalarType.Float32,
            SafetensorsDtype.F16 => ScalarType.Float16,
            SafetensorsDtype.BF16 => ScalarType.BFloat16,
            _ => throw new InvalidSafetensorsException(FileName, $"tensor '{name}': expected F32, F16 or BF16, found {entry.Dtype}"),
        };
        using var normalMode = inference_mode(false);
        var tensor = empty([.. entry.Shape], dtype).DetachFromDisposeScope();
        Copy(entry, tensor);
        return tensor;
    }

    private void Copy(SafetensorsEntry entry, Tensor tensor)
    {
        var width = entry.Dtype.Bits() / 8;
        using var flat = tensor.view(-1);
        for (var start = 0L; start < entry.Length; start += CopyChunk)
        {
            var bytes = Bytes(entry, start, CopyChunk);
            using var chunk = flat.narrow(0, start / width, bytes.Length / width);
            bytes.CopyTo(chunk.bytes);
        }
    }

    /// <summary>Unmaps the file.</summary>
    public void Dispose()
    {
        if (!_view.SafeMemoryMappedViewHandle.IsClosed)
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _map.Dispose();
        }
    }
}
