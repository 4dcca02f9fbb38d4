namespace LoraServe.Engine.Adapters;

/// <summary>The checksum of zip files (ISO 3309: polynomial 0x04C11DB7, bits reflected), which ZipArchive does not verify.</summary>
internal static class Crc32
{
    private const uint ReflectedPolynomial = 0xEDB88320;

    private static readonly uint[] Table = [.. Enumerable.Range(0, 256).Select(value => Remainder((uint)value))];

    /// <summary>The checksum of all that is left in the stream.</summary>
    public static uint Of(Stream content, CancellationToken cancellationToken)
    {
        var buffer = new byte[1 << 16];
        var checksum = uint.MaxValue;
        while (content.Read(buffer) is var read and > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (var value in buffer.AsSpan(0, read))
                checksum = Table[(byte)(checksum ^ value)] ^ (checksum >> 8);
        }
        return ~checksum;
    }

    private static uint Remainder(uint value)
    {
        for (var bit = 0; bit < 8; bit++)
            value = (value & 1) == 0 ? value >> 1 : (value >> 1) ^ ReflectedPolynomial;
        return value;
    }
}
