using System.Text.Json;
using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>A name and its version as a file of its own, as they were kept before there was a registry.</summary>
internal sealed record StoredName(string Name, AdapterVersionId Version, DateTimeOffset Created)
{
    private const int MaxBytes = 4096;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    /// <summary>Null if the file is not one.</summary>
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
