using System.Buffers;
using System.Text.Json;
using LoraServe.Api;

namespace LoraServe.Generation;

/// <summary>
/// What the events of an answer have in common, encoded once: an event is the answer's JSON with the choices that it brings in between.
/// </summary>
internal sealed class EventFrame
{
    // Text in JSON has no bare quotation marks, so that only the list itself looks like this.
    private static readonly byte[] NoChoices = [.. "\"choices\":[]"u8];

    private readonly byte[] _before;
    private readonly byte[] _after;

    private EventFrame(byte[] before, byte[] after) => (_before, _after) = (before, after);

    /// <summary>The frame of an answer.</summary>
    /// <param name="answer">With an empty list of choices.</param>
    public static EventFrame Of<TAnswer>(TAnswer answer)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(answer, ApiJson.Options);
        var place = json.AsSpan().IndexOf(NoChoices) + NoChoices.Length - 1;
        return new EventFrame([.. "data: "u8, .. json.AsSpan(0, place)], [.. json.AsSpan(place), .. "\n\n"u8]);
    }

    /// <summary>Writes an event of one choice.</summary>
    /// <param name="body">What is sent.</param>
    /// <param name="json">Writes to the same.</param>
    /// <param name="choice">The choice.</param>
    public void Write<TChoice>(IBufferWriter<byte> body, Utf8JsonWriter json, TChoice choice)
    {
        body.Write(_before);
        json.Reset();
        JsonSerializer.Serialize(json, choice, ApiJson.Options);
        json.Flush();
        body.Write(_after);
    }
}
