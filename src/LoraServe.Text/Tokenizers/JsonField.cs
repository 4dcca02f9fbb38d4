using System.Text.Json;
using LoraServe.Text.Faults;

namespace LoraServe.Text.Tokenizers;

/// <summary>
/// A value of tokenizer.json with its path. An unexpected value throws a <see cref="FormatException"/> that names the field, what
/// was expected and what was found.
/// </summary>
internal readonly struct JsonField(JsonElement value, string path, int index = -1)
{
    private string Path => index < 0 ? path : $"{path}[{index}]";

    /// <summary>The field "type", which names the kind of a normalizer, pre-tokenizer, post-processor or decoder.</summary>
    public string Type => this["type"].AsText();

    public JsonField this[string name] => Optional(name) ?? throw new FormatException($"{Join(name)} is missing");

    /// <summary>Null if the field is missing or null.</summary>
    public JsonField? Optional(string name)
    {
        if (value.ValueKind != JsonValueKind.Object) throw Expected("an object");
        var found = value.TryGetProperty(name, out var property) && property.ValueKind != JsonValueKind.Null;
        return found ? new JsonField(property, Join(name)) : null;
    }

    public string AsText() => value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Expected("a string");

    public bool AsBool() =>
        value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Expected("true or false");

    /// <summary>A whole number from 0 to <paramref name="max"/>.</summary>
    public int AsInt(int max = int.MaxValue) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= 0 && number <= max
            ? number
            : throw Expected($"a whole number from 0 to {max}");

    public double AsNumber() => value.ValueKind == JsonValueKind.Number ? value.GetDouble() : throw Expected("a number");

    /// <summary>A string of exactly one Unicode scalar value.</summary>
    public string AsCharacter()
    {
        var text = AsText();
        return text.EnumerateRunes().Count() == 1 ? text : throw Expected("one character");
    }

    public bool IsArray => value.ValueKind == JsonValueKind.Array;

    public IEnumerable<JsonField> Items()
    {
        if (value.ValueKind != JsonValueKind.Array) throw Expected("a list");
        var list = Path;
        return value.EnumerateArray().Select((item, i) => new JsonField(item, list, i));
    }

    public IEnumerable<(string Name, JsonField Value)> Properties()
    {
        if (value.ValueKind != JsonValueKind.Object) throw Expected("an object");
        var parent = Path;
        return value.EnumerateObject().Select(property => (property.Name, new JsonField(property.Value, $"{parent}.{property.Name}")));
    }

    public FormatException Expected(string what)
    {
        var found = value.ValueKind switch
        {
            JsonValueKind.Object => "an object",
            JsonValueKind.Array => "a list",
            _ => FaultText.Show(value),
        };
        return new FormatException($"{(Path.Length == 0 ? "the document" : Path)} is {found}, expected {what}");
    }

    public FormatException Fault(string what) => new($"{Path} {what}");

    private string Join(string name) => Path.Length == 0 ? name : $"{Path}.{name}";
}
