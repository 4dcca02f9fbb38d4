namespace LoraServe.Engine.Adapters.Intake;

/// <summary>
/// Reads another stream, which it does not own, and refuses to go on after <see cref="Remaining"/> bytes: hostile input is cut off while it
/// is read, whatever size it claims.
/// </summary>
internal sealed class BoundedStream(Stream source, long bytes, string what, CancellationToken cancellationToken) : Stream
{
    // A reader that asks for more at once trusts the size in a header, and would allocate it.
    private const int MaxReadBytes = 1 << 20;

    private readonly long _limit = bytes;

    /// <summary>Bytes that may still be read; may be raised once the reader has passed a stricter check.</summary>
    public long Remaining { get; set; } = bytes;

    public override bool CanRead => true;

    public override bool CanSeek => source.CanSeek;

    public override bool CanWrite => false;

    public override long Length => source.Length;

    public override long Position
    {
        get => source.Position;
        set => source.Position = value;
    }

    /// <exception cref="InvalidAdapterException">More than the limit was read.</exception>
    public override int Read(Span<byte> buffer)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (buffer.Length > MaxReadBytes)
            throw new InvalidAdapterException(
                AdapterFault.TooLarge, [$"{what}: a header of {buffer.Length} bytes; the limit is {MaxReadBytes}"]);
        return Count(source.Read(buffer));
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <exception cref="InvalidAdapterException">More than the limit was read.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Count(await source.ReadAsync(buffer, cancellationToken));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override long Seek(long offset, SeekOrigin origin) => source.Seek(offset, origin);

    public override void Flush() { }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private int Count(int read)
    {
        Remaining -= read;
        return Remaining >= 0
            ? read
            : throw new InvalidAdapterException(AdapterFault.TooLarge, [$"{what}: more than {_limit} bytes, which is the limit"]);
    }
}
