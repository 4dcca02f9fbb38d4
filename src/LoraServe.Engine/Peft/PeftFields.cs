using System.Text.Json;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Peft;

/// <summary>
/// The fields of an adapter_config.json by type. A wrong JSON type makes the file malformed, a value out of range incompatible. A null
/// value counts as absent.
/// </summary>
internal sealed class PeftFields(JsonElement json, PeftFaults faults)
{
    /// <summary>Names of the fields with values that are true in Python.</summary>
    public IEnumerable<string> On => json.EnumerateObject().Where(option => IsOn(option.Value)).Select(option => option.Name);

    public JsonElement? Find(string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public bool Flag(string name)
    {
        var value = Find(name);
        if (value is { ValueKind: not (JsonValueKind.True or JsonValueKind.False) } other) Malformed(name, "true or false", other);
        return value?.ValueKind == JsonValueKind.True;
    }

    public string? Text(string name)
    {
        if (Find(name) is not { } value) return null;
        if (value.ValueKind == JsonValueKind.String) return value.GetString();
        Malformed(name, "text", value);
        return null;
    }

    /// <summary>A list of strings; empty if the value is not one.</summary>
    public IReadOnlyList<string> Texts(string name, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String))
            return [.. value.EnumerateArray().Select(item => item.GetString()!)];
        Malformed(name, "text or a list of texts", value);
        return [];
    }

    /// <summary>A list of whole numbers; empty if the value is not one.</summary>
    public IReadOnlyList<int> WholeNumbers(string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array || value.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.Number))
            Malformed(name, "a list of whole numbers", value);
        else if (value.EnumerateArray().All(item => item.TryGetInt32(out _)))
            return [.. value.EnumerateArray().Select(item => item.GetInt32())];
        else
            Incompatible(name, $"expected whole numbers of 32 bits, found {FaultText.Show(value)}");
        return [];
    }

    /// <summary>A positive whole number; 1 if the value is not one.</summary>
    public int Rank(string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Number) Malformed(name, "a whole number", value);
        else if (value.TryGetInt32(out var rank) && rank > 0) return rank;
        else Incompatible(name, $"expected a positive whole number, found {FaultText.Show(value)}");
        return 1;
    }

    /// <summary>A finite number; 1 if the value is not one.</summary>
    public double Number(string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Number) Malformed(name, "a number", value);
        else if (value.TryGetDouble(out var number) && double.IsFinite(number)) return number;
        else Incompatible(name, $"expected a finite number, found {FaultText.Show(value)}");
        return 1;
    }

    /// <summary>Properties of an object; none if it is absent or not an object.</summary>
    public IEnumerable<JsonProperty> Properties(string name)
    {
        if (Find(name) is not { } value) return [];
        if (value.ValueKind == JsonValueKind.Object) return value.EnumerateObject();
        Malformed(name, "an object", value);
        return [];
    }

    public void Malformed(string name, string expected, JsonElement found) =>
        faults.Malformed($"{PeftConfig.FileName}: {name}: expected {expected}, found {FaultText.Show(found)}");

    public void Incompatible(string name, string fault) => faults.Incompatible($"{PeftConfig.FileName}: {name}: {fault}");

    private static bool IsOn(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.Number => !value.TryGetDouble(out var number) || number != 0,
        JsonValueKind.String => value.GetString()!.Length > 0,
        JsonValueKind.Array => value.GetArrayLength() > 0,
        JsonValueKind.Object => value.GetPropertyCount() > 0,
        _ => false,
    };
}
