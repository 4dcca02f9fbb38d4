namespace LoraServe.Api.Requests;

/// <summary>How many items a part of a list may have.</summary>
internal static class PageLimit
{
    /// <summary>Refuses a limit that a list does not have.</summary>
    /// <exception cref="InvalidRequestException">It is below 1 or above the most.</exception>
    public static void Check(int limit, int most)
    {
        if (limit < 1 || limit > most) throw new InvalidRequestException("limit", $"expected a whole number from 1 to {most}, found {limit}");
    }
}
