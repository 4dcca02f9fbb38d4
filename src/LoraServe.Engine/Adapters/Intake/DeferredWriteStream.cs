namespace LoraServe.Engine.Adapters.Intake;

/// <summary>
/// Buffers synchronous writes until the next asynchronous call, for archive writers that end an entry synchronously, over destinations
/// that allow only asynchronous ones. Write-only; leaves the destination open.
/// </summary>
/// <param name="destination">Written to asynchronously only.</param>
internal sealed class DeferredWriteStream(Stream destination) : Stream
{
    private readonly MemoryStream _kept = new();

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(byte[] buffer, int offset, int count) => _kept.Write(buffer, offset, count);

    public override void Write(ReadOnlySpan<byte> buffer) => _kept.Write(buffer);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await WriteKeptAsync(cancellationToken);
        await destination.WriteAsync(buffer, cancellationToken);
    }

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        await WriteKeptAsync(cancellationToken);
        await destination.FlushAsync(cancellationToken);
    }

    // Its effect is that of the next asynchronous one.
    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private async ValueTask WriteKeptAsync(CancellationToken cancellationToken)
    {
        if (_kept.Length == 0) return;
        await destination.WriteAsync(_kept.GetBuffer().AsMemory(0, (int)_kept.Length), cancellationToken);
        _kept.SetLength(0);
    }
}
