namespace LoraServe.Benchmarks.Load;

/// <summary>All requests of a run and how long it took.</summary>
internal sealed record LoadResult(LoadOptions Options, IReadOnlyList<LoadedRequest> Requests, TimeSpan Elapsed)
{
    /// <summary>One for each adapter in the order of the options, then one for all together.</summary>
    public IEnumerable<LoadStatistics> Statistics =>
    [
        .. Options.Adapters.Distinct().Select(name => LoadStatistics.Of(name, [.. Requests.Where(request => request.Adapter == name)], Elapsed)),
        LoadStatistics.Of("all", Requests, Elapsed),
    ];

    /// <summary>How often each reason for an incomplete answer occurred.</summary>
    public IEnumerable<(string Error, int Count)> Errors =>
        Requests.Where(request => request.Error is not null).CountBy(request => request.Error!).Select(pair => (pair.Key, pair.Value));
}
