using System.Text.Json;
using LoraServe.Text.Faults;
using LoraServe.Text.Files;

namespace LoraServe.Engine.Checkpoints;

/// <summary>
/// Reads the fields of one JSON object of a configuration file and collects a fault for each that has the wrong type or is missing,
/// so that all of them are reported at once. A null value counts as absent.
/// </summary>
internal sealed class JsonFields(JsonElement json, string path, FaultList faults)
{
    private const int MaxDepth = 64;

    /// <summary>Parses a file that must hold one JSON object; if it does not, that is recorded as a fault and the result is null.</summary>
    public static JsonFields? Load(string file, FaultList faults)
    {
        var name = Path.GetFileName(file);
        try
        {
            var bytes = RegularFile.ReadAllBytes(file);
            if (GitLfsPointer.Is(bytes))
            {
                faults.Add($"{name}: {GitLfsPointer.Fault}");
                return null;
            }

            using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = MaxDepth });
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return new JsonFields(document.RootElement.Clone(), name, faults);
            faults.Add($"{name}: expected a JSON object, found {FaultText.Show(document.RootElement)}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            faults.Add($"{name}: {e.Message}");
        }

        return null;
    }

    /// <summary>Whether the field is there and not null.</summary>
    public bool Has(string name) => Find(name) is not null;

    /// <summary>A positive integer, or the default; without a default its absence is a fault.</summary>
    public int PositiveInt(string name, int? byDefault = null, int most = int.MaxValue)
    {
        if (Find(name) is not { } value) return byDefault ?? Missing(name, "a positive integer", 1);
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out var number) || number <= 0)
            return Wrong(name, "a positive integer", value, 1);
        return number <= most ? number : Wrong(name, $"at most {most}", value, 1);
    }

    /// <summary>A finite number, or the default; without a default its absence is a fault.</summary>
    public double Number(string name, double? byDefault = null)
    {
        if (Find(name) is not { } value) return byDefault ?? Missing(name, "a number", 1.0);
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number)) return number;
        return Wrong(name, "a number", value, 1.0);
    }

    /// <summary>true or false, or the default.</summary>
    public bool Flag(string name, bool byDefault) => Find(name) switch
    {
        null => byDefault,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } value => Wrong(name, "true or false", value, byDefault),
    };

    /// <summary>A string, or null.</summary>
    public string? Text(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } value => value.GetString(),
        { } value => Wrong<string?>(name, "a text", value, null),
    };

    /// <summary>A list of strings, or null.</summary>
    public IReadOnlyList<string>? Texts(string name)
    {
        if (Find(name) is not { } value) return null;
        if (value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String))
            return [.. value.EnumerateArray().Select(item => item.GetString()!)];
        return Wrong<IReadOnlyList<string>?>(name, "a list of texts", value, null);
    }

    /// <summary>One token id or a list of them; empty when absent.</summary>
    public IReadOnlyList<int> TokenIds(string name)
    {
        if (Find(name) is not { } value) return [];
        var items = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ToList() : [value];
        if (items.TrueForAll(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out var id) && id >= 0))
            return items.ConvertAll(item => item.GetInt32());
        return Wrong<IReadOnlyList<int>>(name, "a token id or a list of token ids", value, []);
    }

    /// <summary>A nested object, or null.</summary>
    public JsonFields? Object(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Object } value => new JsonFields(value, $"{path}: {name}", faults),
        { } value => Wrong<JsonFields?>(name, "an object", value, null),
    };

    /// <summary>Records a fault of this field in this file.</summary>
    public void Fault(string name, string problem) => faults.Add($"{path}: {name}: {problem}");

    private JsonElement? Find(string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private T Missing<T>(string name, string expected, T fallback)
    {
        Fault(name, $"expected {expected}, found nothing");
        return fallback;
    }

    private T Wrong<T>(string name, string expected, JsonElement found, T fallback)
    {
        Fault(name, $"expected {expected}, found {FaultText.Show(found)}");
        return fallback;
    }
}
