namespace LoraServe.Benchmarks.Load;

/// <summary>The figures of one adapter, or of all. Times are in milliseconds. Rates are per second of the whole run, so that they add up.</summary>
/// <param name="Adapter">The adapter, base or all.</param>
/// <param name="Completed">Complete answers; only these have times.</param>
/// <param name="Failed">The other requests.</param>
/// <param name="FirstTokenP50">From sending the request to its first token.</param>
/// <param name="FirstTokenP95">The same, 95th percentile.</param>
/// <param name="InterTokenP50">Between one token of an answer and the next, over all tokens.</param>
/// <param name="InterTokenP95">The same, 95th percentile.</param>
/// <param name="RequestsPerSecond">Completed answers.</param>
/// <param name="OutputTokens">Tokens of completed answers.</param>
/// <param name="TokensPerSecond">The same per second.</param>
internal sealed record LoadStatistics(
    string Adapter, int Completed, int Failed, double FirstTokenP50, double FirstTokenP95, double InterTokenP50, double InterTokenP95,
    double RequestsPerSecond, int OutputTokens, double TokensPerSecond)
{
    public static LoadStatistics Of(string adapter, IReadOnlyList<LoadedRequest> requests, TimeSpan elapsed)
    {
        var completed = requests.Where(request => request.Error is null).ToList();
        var answered = completed.Where(request => request.TokenTimes.Count > 0);
        var first = new Distribution(answered.Select(request => request.TokenTimes[0].TotalMilliseconds));
        var gaps = new Distribution(completed.SelectMany(request => request.Gaps));
        var tokens = completed.Sum(request => request.TokenTimes.Count);
        return new LoadStatistics(
            adapter, completed.Count, requests.Count - completed.Count, first.Quantile(0.5), first.Quantile(0.95),
            gaps.Quantile(0.5), gaps.Quantile(0.95),
            completed.Count / elapsed.TotalSeconds, tokens, tokens / elapsed.TotalSeconds);
    }
}
