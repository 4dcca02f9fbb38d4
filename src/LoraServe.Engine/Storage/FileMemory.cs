using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using LoraServe.Text.Files;

namespace LoraServe.Engine.Storage;

/// <summary>
/// The bytes of a file in memory, mapped or as a copy. Mapped bytes cost no memory until they are touched, but touching them after the file was
/// truncated ends the process.
/// </summary>
internal sealed unsafe class FileMemory : IDisposable
{
    private const int ReadChunk = 1 << 26;

    private readonly MemoryMappedFile? _map;
    private readonly MemoryMappedViewAccessor? _view;
    private byte* _start;

    private FileMemory(FileStream file)
    {
        Length = file.Length;
        if (Length == 0) return; // an empty file cannot be mapped
        _map = MemoryMappedFile.CreateFromFile(
            file, mapName: null, capacity: 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        _view = _map.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
    }

    private FileMemory(long length)
    {
        Length = length;
        _start = (byte*)NativeMemory.Alloc((nuint)length);
    }

    /// <summary>Bytes of the file when it was opened.</summary>
    public long Length { get; }

    /// <summary>The first byte; valid until this is disposed.</summary>
    public byte* Start
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsDisposed, this);
            return _start;
        }
    }

    /// <summary>Whether the bytes are gone.</summary>
    public bool IsDisposed { get; private set; }

    public static FileMemory Map(string path)
    {
        using var file = Open(path);
        return new FileMemory(file);
    }

    /// <exception cref="EndOfStreamException">The file became shorter while it was read.</exception>
    public static FileMemory Read(string path)
    {
        using var file = Open(path);
        var memory = new FileMemory(file.Length);
        try
        {
            for (var position = 0L; position < memory.Length;)
                position += Fill(file, new Span<byte>(memory._start + position, (int)Math.Min(ReadChunk, memory.Length - position)), position);
            return memory;
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    /// <summary>Unmaps or frees the bytes.</summary>
    public void Dispose()
    {
        if (IsDisposed) return;
        IsDisposed = true;
        if (_view is not null)
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _map!.Dispose();
        }
        else if (Length > 0)
        {
            NativeMemory.Free(_start);
        }
    }

    // One handle for both size and bytes: the path may name another file at any moment.
    private static FileStream Open(string path) => RegularFile.Open(path, FileShare.ReadWrite | FileShare.Delete);

    private static int Fill(FileStream file, Span<byte> buffer, long position)
    {
        var read = RandomAccess.Read(file.SafeFileHandle, buffer, position);
        return read > 0 ? read : throw new EndOfStreamException($"{file.Name} became shorter while it was read, at byte {position}");
    }
}
