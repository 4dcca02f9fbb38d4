using System.Text.Json;
using System.Text.Json.Serialization;

namespace LoraServe.Engine;

/// <summary>Identifies an adapter version by its content: equal content has the same id, whatever its names. A text in JSON.</summary>
/// <param name="Value">
/// SHA-256 of the tensors and the effective configuration, lower-case hexadecimal; of parts and coefficients for a mix; "base" for the base.
/// </param>
[JsonConverter(typeof(Converter))]
public readonly record struct AdapterVersionId(string Value)
{
    private const int ShortLength = 12;

    /// <summary>The base model's.</summary>
    public static AdapterVersionId Base { get; } = new("base");

    /// <summary>Its beginning, enough to tell versions apart in answers and logs.</summary>
    public string Short => Value[..Math.Min(Value.Length, ShortLength)];

    /// <summary>The text.</summary>
    public override string ToString() => Value;

    private sealed class Converter : JsonConverter<AdapterVersionId>
    {
        public override AdapterVersionId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            new(reader.GetString() ?? throw new JsonException());

        public override void Write(Utf8JsonWriter writer, AdapterVersionId value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);

        public override AdapterVersionId ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            new(reader.GetString()!);

        public override void WriteAsPropertyName(Utf8JsonWriter writer, AdapterVersionId value, JsonSerializerOptions options) =>
            writer.WritePropertyName(value.Value);
    }
}
