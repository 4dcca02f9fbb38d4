namespace LoraServe.Benchmarks.Load;

/// <summary>The outcome of one request.</summary>
/// <param name="Adapter">The adapter, or base.</param>
/// <param name="TokenTimes">When each token arrived, counted from the moment before the request was sent.</param>
/// <param name="Error">Why the answer is incomplete; null if it is complete.</param>
internal sealed record LoadedRequest(string Adapter, IReadOnlyList<TimeSpan> TokenTimes, string? Error)
{
    /// <summary>Milliseconds between each token and the one before it.</summary>
    public IEnumerable<double> Gaps => TokenTimes.Zip(TokenTimes.Skip(1), (before, after) => (after - before).TotalMilliseconds);
}
