using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LoraServe.Generation;

/// <summary>Numbers to add to the logits of single tokens.</summary>
/// <param name="Values">Token id to a number from -100 to 100.</param>
[JsonConverter(typeof(LogitBiasConverter))]
public sealed record LogitBias(IReadOnlyDictionary<int, float> Values);

internal sealed class LogitBiasConverter : JsonConverter<LogitBias>
{
    private const float Limit = 100;
    private const string Expected = "an object of token ids and numbers from -100 to 100";

    public override LogitBias Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        if (document.RootElement.ValueKind != JsonValueKind.Object) throw new JsonException(Expected);
        var values = new Dictionary<int, float>();
        foreach (var field in document.RootElement.EnumerateObject())
        {
            if (!int.TryParse(field.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                || field.Value.ValueKind != JsonValueKind.Number || !field.Value.TryGetSingle(out var bias) || !(MathF.Abs(bias) <= Limit))
                throw new JsonException(Expected);
            values[id] = bias;
        }

        return new LogitBias(values);
    }

    public override void Write(Utf8JsonWriter writer, LogitBias value, JsonSerializerOptions options) =>
        throw new NotSupportedException("Logit biases are only read.");
}
