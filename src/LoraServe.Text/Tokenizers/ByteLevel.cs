using System.Text;

namespace LoraServe.Text.Tokenizers;

/// <summary>
/// The alphabet of byte-level tokenizers (GPT-2): one printable character for each of the 256 bytes. Printable Latin-1 maps to
/// itself, the other bytes, in order, to the characters from U+0100 on.
/// </summary>
internal static class ByteLevel
{
    private const int MaxCharacter = 0x143;

    private static readonly char[] Characters = new char[256];
    private static readonly short[] Bytes = new short[MaxCharacter + 1];

    static ByteLevel()
    {
        Array.Fill(Bytes, (short)-1);
        var next = 0x100;
        for (var value = 0; value < 256; value++)
        {
            var isPrintable = value is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE;
            Characters[value] = (char)(isPrintable ? value : next++);
            Bytes[Characters[value]] = (short)value;
        }
    }

    /// <summary>
    /// Writes one character for each UTF-8 byte of <paramref name="text"/> and returns their number, at most three for each char.
    /// </summary>
    public static int Encode(ReadOnlySpan<char> text, Span<char> destination)
    {
        var count = 0;
        Span<byte> bytes = stackalloc byte[4];
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.IsAscii)
            {
                destination[count++] = Characters[rune.Value];
                continue;
            }
            foreach (var value in bytes[..rune.EncodeToUtf8(bytes)]) destination[count++] = Characters[value];
        }
        return count;
    }

    /// <summary>The bytes of a token: those of its characters if all are in the alphabet, else its UTF-8 encoding.</summary>
    public static byte[] Decode(ReadOnlySpan<char> token)
    {
        var bytes = new byte[token.Length];
        for (var i = 0; i < token.Length; i++)
        {
            var value = token[i] <= MaxCharacter ? Bytes[token[i]] : -1;
            if (value < 0) return Encoding.UTF8.GetBytes(token.ToArray());
            bytes[i] = (byte)value;
        }
        return bytes;
    }
}
