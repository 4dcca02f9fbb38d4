using System.Text.Json;
using System.Text.Json.Serialization;

namespace LoraServe.Api.Chat;

/// <summary>A conversation as it was sent; <see cref="ChatMessageReader"/> checks it.</summary>
/// <param name="Json">A list.</param>
[JsonConverter(typeof(ChatMessagesConverter))]
public sealed record ChatMessages(JsonElement Json);

internal sealed class ChatMessagesConverter : JsonConverter<ChatMessages>
{
    public override ChatMessages Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        JsonElement.ParseValue(ref reader) is var json && json.ValueKind == JsonValueKind.Array && json.GetArrayLength() > 0
            ? new ChatMessages(json)
            : throw new JsonException("a list of at least one message");

    public override void Write(Utf8JsonWriter writer, ChatMessages value, JsonSerializerOptions options) => value.Json.WriteTo(writer);
}
