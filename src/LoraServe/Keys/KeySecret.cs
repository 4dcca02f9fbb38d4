using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace LoraServe.Keys;

/// <summary>
/// The text of a key: ls-ID-SECRET with a public id of 12 hexadecimal digits, by which lists and logs name the key, and 256 random bits
/// in base64url. Only its SHA-256 is ever stored: of so many random bits, nothing slower is needed.
/// </summary>
internal static class KeySecret
{
    private const string Prefix = "ls-";
    private const int IdBytes = 6;
    private const int SecretBytes = 32;
    private const int IdLength = IdBytes * 2;
    private const int SecretLength = 43;
    private const int Length = 3 + IdLength + 1 + SecretLength;

    /// <summary>A new id and the text of its key, to be shown once.</summary>
    public static (string Id, string Text) Create()
    {
        var id = RandomNumberGenerator.GetHexString(IdLength, lowercase: true);
        return (id, $"{Prefix}{id}-{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes))}");
    }

    /// <summary>The public id of a text that has the form of a key, or null.</summary>
    public static string? FindId(string text) =>
        text.Length == Length && text.StartsWith(Prefix, StringComparison.Ordinal) && text[Prefix.Length + IdLength] == '-'
            ? text.Substring(Prefix.Length, IdLength)
            : null;

    /// <summary>SHA-256 of the whole text.</summary>
    public static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    /// <summary>Whether two hashes are equal, in a time that does not tell where they differ.</summary>
    public static bool IsSame(ReadOnlySpan<byte> hash, ReadOnlySpan<byte> other) => CryptographicOperations.FixedTimeEquals(hash, other);
}
