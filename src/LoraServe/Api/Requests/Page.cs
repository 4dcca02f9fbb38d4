namespace LoraServe.Api.Requests;

/// <summary>A part of a list.</summary>
/// <param name="Items">In the order that was asked for.</param>
/// <param name="HasMore">Whether there are more behind the last one.</param>
internal sealed record Page<T>(IReadOnlyList<T> Items, bool HasMore);

/// <summary>Parts of lists that are in memory.</summary>
internal static class Page
{
    /// <summary>The first items of a list.</summary>
    /// <param name="items">Only as many are looked at as are needed.</param>
    /// <param name="limit">Most items.</param>
    public static Page<T> Of<T>(IEnumerable<T> items, int limit)
    {
        var found = items.Take(limit + 1).ToList();
        return new Page<T>(found.Count > limit ? found[..limit] : found, found.Count > limit);
    }
}
