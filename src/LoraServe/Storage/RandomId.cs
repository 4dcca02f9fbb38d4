using System.Security.Cryptography;

namespace LoraServe.Storage;

/// <summary>Ids of what callers store, impossible to guess.</summary>
internal static class RandomId
{
    private const int Bytes = 12;

    /// <summary>The part after the prefix of a kind: 24 hexadecimal digits.</summary>
    public static string New() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(Bytes));
}
