namespace LoraServe.Engine.Adapters.Intake;

/// <summary>The checksum of zip files (ISO 3309: polynomial 0x04C11DB7, bits reflected), which ZipArchive does not verify.</summary>
internal static class Crc32
{
    private const uint ReflectedPolynomial = 0xEDB88320;

    private static readonly uint[] Table = [.. Enumerable.Range(0, 256).Select(value => Remainder((uint)value))];

    /// <summary>The state before the first byte.</summary>
    public const uint Start = uint.MaxValue;

    /// <summary>The state after further bytes.</summary>
    public static uint Append(uint state, ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes) state = Table[(byte)(state ^ value)] ^ (state >> 8);
        return state;
    }

    /// <summary>The checksum of what led to a state.</summary>
    public static uint End(uint state) => ~state;

    private static uint Remainder(uint value)
    {
        for (var bit = 0; bit < 8; bit++)
            value = (value & 1) == 0 ? value >> 1 : (value >> 1) ^ ReflectedPolynomial;
        return value;
    }
}
