namespace LoraServe.Keys;

/// <summary>A request body that is refused as soon as it exceeds what its caller may still store.</summary>
/// <param name="body">The body.</param>
/// <param name="most">Most bytes that the caller may still store.</param>
/// <param name="beside">Most bytes of it that are not stored or not counted.</param>
/// <param name="refuse">Makes the refusal.</param>
internal sealed class QuotaStream(Stream body, long most, long beside, Func<Exception> refuse) : Stream
{
    private long _read;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Count(body.Read(buffer, offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Count(await body.ReadAsync(buffer, cancellationToken));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private int Count(int read)
    {
        _read += read;
        // Not the sum of the two, which could overflow.
        return _read - beside <= most ? read : throw refuse();
    }
}
