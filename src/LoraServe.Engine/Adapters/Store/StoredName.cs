using System.Text.Json;
using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>A name and its version in a file of its own, as releases without a registry wrote it.</summary>
internal sealed record StoredName(string Name, AdapterVersionId Version, DateTimeOffset Created)
{
    private const int MaxBytes = 4096;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Reads a file; null if it is no such name.</summary>
    public static StoredName? TryRead(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MaxBytes) return null;
            var name = JsonSerializer.Deserialize<StoredName>(File.ReadAllBytes(path), Json);
            return name is not null && AdapterName.IsValid(name.Name) && AdapterStore.IsVersion(name.Version.Value) ? name : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
