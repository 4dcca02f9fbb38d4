namespace LoraServe.Api.Requests;

/// <summary>A part of a list.</summary>
/// <param name="Items">In the requested order.</param>
/// <param name="HasMore">Whether there are more after the last one.</param>
internal sealed record Page<T>(IReadOnlyList<T> Items, bool HasMore);

/// <summary>Pages of lists in memory.</summary>
internal static class Page
{
    /// <summary>The first items of a list.</summary>
    /// <param name="items">Enumerated only as far as needed.</param>
    /// <param name="limit">Most items.</param>
    public static Page<T> Of<T>(IEnumerable<T> items, int limit)
    {
        var found = items.Take(limit + 1).ToList();
        return new Page<T>(found.Count > limit ? found[..limit] : found, found.Count > limit);
    }
}
