using System.Text.Json;
using System.Text.Json.Serialization;

namespace LoraServe.Generation;

/// <summary>The stop strings of a request: a text or a list of texts.</summary>
/// <param name="Items">At most <see cref="MaxCount"/>, none empty.</param>
[JsonConverter(typeof(StopSequencesConverter))]
public sealed record StopSequences(IReadOnlyList<string> Items)
{
    /// <summary>Maximum stop strings of one request.</summary>
    public const int MaxCount = 64;

    /// <summary>Maximum length of a stop string: this much text may have to be held back.</summary>
    public const int MaxLength = 1024;
}

internal sealed class StopSequencesConverter : JsonConverter<StopSequences>
{
    private static readonly string Expected =
        $"a text or a list of at most {StopSequences.MaxCount} texts, each of 1 to {StopSequences.MaxLength} characters of valid Unicode";

    public override StopSequences Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartArray) return new StopSequences([Text(ref reader)]);
        var texts = new List<string>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray && texts.Count <= StopSequences.MaxCount)
            texts.Add(Text(ref reader));
        return texts.Count <= StopSequences.MaxCount ? new StopSequences(texts) : throw new JsonException(Expected);
    }

    public override void Write(Utf8JsonWriter writer, StopSequences value, JsonSerializerOptions options) =>
        throw new NotSupportedException("Stop sequences are only read.");

    private static string Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.TokenType == JsonTokenType.String && reader.GetString() is { Length: > 0 and <= StopSequences.MaxLength } text
                ? text
                : throw new JsonException(Expected);
        }
        // Not valid Unicode.
        catch (InvalidOperationException e)
        {
            throw new JsonException(Expected, e);
        }
    }
}
