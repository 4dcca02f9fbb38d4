using System.Buffers;
using System.Text.Json;
using LoraServe.Keys;

namespace LoraServe.Api;

/// <summary>How an answer of events is written: one line of JSON each.</summary>
internal static class ServerSentEvents
{
    /// <summary>What such an answer says that it is.</summary>
    public const string ContentType = "text/event-stream; charset=utf-8";

    /// <summary>Writes an event, which is sent with the next flush.</summary>
    public static void Write<T>(HttpResponse response, T value)
    {
        response.BodyWriter.Write("data: "u8);
        response.BodyWriter.Write(JsonSerializer.SerializeToUtf8Bytes(value, ApiJson.Options));
        response.BodyWriter.Write("\n\n"u8);
    }

    /// <summary>Ends an answer whose status is sent with an error as its last event; false where it is none of events.</summary>
    public static async Task<bool> TryEndAsync(HttpResponse response, Exception error, CancellationToken cancellationToken)
    {
        if (response.ContentType != ContentType) return false;
        Write(response, new ErrorResponse(ErrorMapper.Map(error, response.HttpContext.User.Caller().Access).Error));
        await response.BodyWriter.FlushAsync(cancellationToken);
        return true;
    }
}
