using System.Text.Json;
using System.Text.Json.Serialization;

namespace LoraServe.Generation;

/// <summary>One prompt: text, or token ids.</summary>
/// <param name="Text">The text; null when ids were given.</param>
/// <param name="TokenIds">The ids; null when text was given.</param>
public readonly record struct PromptInput(string? Text, IReadOnlyList<int>? TokenIds);

/// <summary>The prompts of a request: a text, a list of texts, a list of token ids, or a list of lists of token ids.</summary>
/// <param name="Items">At least one prompt.</param>
[JsonConverter(typeof(PromptsConverter))]
public sealed record Prompts(IReadOnlyList<PromptInput> Items)
{
    /// <summary>Maximum prompts of one request.</summary>
    public const int MaxCount = 1 << 16;
}

internal sealed class PromptsConverter : JsonConverter<Prompts>
{
    private const string Expected =
        "a text, a list of texts, a list of token ids, or a list of lists of token ids, none of them empty and all valid Unicode";

    public override Prompts Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        try
        {
            if (reader.TokenType != JsonTokenType.StartArray) return new Prompts([Text(ref reader)]);
            reader.Read();
            return new Prompts(reader.TokenType == JsonTokenType.Number ? [Ids(ref reader)] : List(ref reader));
        }
        // Not valid Unicode.
        catch (InvalidOperationException e)
        {
            throw new JsonException(Expected, e);
        }
    }

    public override void Write(Utf8JsonWriter writer, Prompts value, JsonSerializerOptions options) =>
        throw new NotSupportedException("Prompts are only read.");

    // The reader is at the first item; all are of one kind.
    private static List<PromptInput> List(ref Utf8JsonReader reader)
    {
        var kind = reader.TokenType;
        var prompts = new List<PromptInput>();
        for (; reader.TokenType != JsonTokenType.EndArray; reader.Read())
        {
            if (reader.TokenType != kind) throw new JsonException(Expected);
            if (prompts.Count == Prompts.MaxCount) throw new JsonException($"at most {Prompts.MaxCount} prompts");
            if (kind == JsonTokenType.StartArray) reader.Read();
            prompts.Add(kind == JsonTokenType.StartArray ? Ids(ref reader) : Text(ref reader));
        }

        return prompts.Count > 0 ? prompts : throw new JsonException(Expected);
    }

    private static PromptInput Text(ref Utf8JsonReader reader) =>
        reader.TokenType == JsonTokenType.String && reader.GetString() is { Length: > 0 } text
            ? new(text, null)
            : throw new JsonException(Expected);

    // The reader is at the first id, and afterwards at the end of the list.
    private static PromptInput Ids(ref Utf8JsonReader reader)
    {
        var ids = new List<int>();
        for (; reader.TokenType != JsonTokenType.EndArray; reader.Read())
            ids.Add(reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var id) ? id : throw new JsonException(Expected));
        return ids.Count > 0 ? new(null, ids) : throw new JsonException(Expected);
    }
}
