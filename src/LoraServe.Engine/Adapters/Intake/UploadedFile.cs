using System.Security.Cryptography;
using LoraServe.Engine.Adapters.Store;

namespace LoraServe.Engine.Adapters.Intake;

/// <summary>A file of an upload being written to disk, described while it is written, so that it need not be read again.</summary>
internal sealed class UploadedFile : Stream
{
    private readonly FileStream _file;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private uint _crc = Crc32.Start;

    /// <summary>Creates the file, which must not exist.</summary>
    public UploadedFile(string path) => _file = new FileStream(path, FileMode.CreateNew, FileAccess.Write);

    /// <summary>The checksum of zip files over all that was written.</summary>
    public uint Checksum => Crc32.End(_crc);

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    /// <summary>Bytes that were written.</summary>
    public override long Length => _file.Length;

    public override long Position
    {
        get => _file.Position;
        set => throw new NotSupportedException();
    }

    /// <summary>The description of the file, once it is complete.</summary>
    public VersionFileEntry Describe() => new(Path.GetFileName(_file.Name), Length, Convert.ToHexStringLower(_hash.GetCurrentHash()));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        Count(buffer);
        _file.Write(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Count(buffer.Span);
        return _file.WriteAsync(buffer, cancellationToken);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush() => _file.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _file.Dispose();
            _hash.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Count(ReadOnlySpan<byte> buffer)
    {
        _hash.AppendData(buffer);
        _crc = Crc32.Append(_crc, buffer);
    }
}
