using System.Text.Json;

namespace LoraServe.Engine.Training.Data;

/// <summary>Finds texts in JSON that cannot be read: escapes can write half of a surrogate pair.</summary>
internal static class JsonTexts
{
    /// <summary>Whether all names and texts are valid Unicode.</summary>
    public static bool AreValid(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.String => CanBeRead(() => json.GetString()),
        JsonValueKind.Array => json.EnumerateArray().All(AreValid),
        JsonValueKind.Object => json.EnumerateObject().All(field => CanBeRead(() => field.Name) && AreValid(field.Value)),
        _ => true,
    };

    private static bool CanBeRead(Func<string?> read)
    {
        try
        {
            read();
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
