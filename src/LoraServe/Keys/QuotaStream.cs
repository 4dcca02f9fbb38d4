namespace LoraServe.Keys;

/// <summary>A request's body that ends with a refusal as soon as it is longer than what its caller may still store.</summary>
/// <param name="body">The body.</param>
/// <param name="most">Most bytes that the caller may still store.</param>
/// <param name="beside">Most bytes of it that are not stored, or do not count.</param>
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
        // No sum of the two: a limit may be as large as a number can be.
        return _read - beside <= most ? read : throw refuse();
    }
}
