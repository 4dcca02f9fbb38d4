namespace LoraServe.Api.Requests;

/// <summary>Limits of the page size.</summary>
internal static class PageLimit
{
    /// <summary>Rejects an invalid limit.</summary>
    /// <exception cref="InvalidRequestException">It is below 1 or above the maximum.</exception>
    public static void Check(int limit, int most)
    {
        if (limit < 1 || limit > most) throw new InvalidRequestException("limit", $"expected a whole number from 1 to {most}, found {limit}");
    }
}
