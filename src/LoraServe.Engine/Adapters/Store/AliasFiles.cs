using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using LoraServe.Engine.Storage;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>The copies of names beside a registry, one file each, from which the registry can be rebuilt.</summary>
internal static class AliasFiles
{
    private const int KeyLength = 32;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        RespectNullableAnnotations = true,
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>Those of a registry.</summary>
    /// <param name="registryPath">The registry's database.</param>
    public static RowFiles<AliasRow> Of(string registryPath)
    {
        var folder = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(registryPath))!, "aliases");
        return new(folder, row => KeyOf(row.Name), Json) { IsKey = IsKey, IsValid = IsValid };
    }

    /// <summary>Names the file of a name. Names that differ only in case have different files, also where the file system ignores case.</summary>
    public static string KeyOf(string name) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..KeyLength];

    private static bool IsKey(string text) => text.Length == KeyLength && text.All(char.IsAsciiHexDigitLower);

    private static bool IsValid(AliasRow row) =>
        row.History.TrueForAll(entry => entry.Name == row.Name && AdapterStore.IsVersion(entry.Version)) && row.Parts.TrueForAll(part => part.Name == row.Name);
}
