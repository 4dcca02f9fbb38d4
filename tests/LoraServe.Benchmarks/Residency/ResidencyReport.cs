using Spectre.Console;

namespace LoraServe.Benchmarks.Residency;

/// <summary>Prints the results of a run.</summary>
internal static class ResidencyReport
{
    public static void Print(IAnsiConsole console, ResidencyOptions options, ResidencyResult result)
    {
        var cache = result.Cache;
        var title = $"{options.Adapters} adapters, memory for {options.Resident}, {options.Requests} requests by Zipf, "
            + $"{options.Concurrency} at a time, {options.Dtype}";
        var table = new Table { Title = new TableTitle(Markup.Escape(title)) };
        table.AddColumns("what", "figure");
        foreach (var (what, figure) in Rows())
            table.AddRow(Markup.Escape(what), Markup.Escape(figure));
        console.Write(table);
        foreach (var failure in result.Failures.Take(10)) console.WriteLine(failure);

        IEnumerable<(string, string)> Rows()
        {
            yield return ("failed requests", $"{result.Failures.Count}");
            yield return ("peak bytes / budget", $"{cache.PeakBytes} / {cache.Budget}{(cache.PeakBytes > cache.Budget ? " EXCEEDED" : "")}");
            yield return ("hit rate / that of an ideal LRU", $"{(double)cache.Hits / (cache.Hits + cache.Misses):P1} / {result.IdealHitRate:P1}");
            yield return ("loads, evictions", $"{cache.Loads}, {cache.Evictions}");
            yield return ("answers that differ from their solo run", $"{result.Differences} of {options.Samples}");
            yield return ("registering all", $"{result.Registering.TotalSeconds:0.0} s");
            yield return ("serving", $"{result.Serving.TotalSeconds:0.0} s, {options.Requests / result.Serving.TotalSeconds:0.0} requests/s");
            yield return ("start-up with all registered", $"{result.StartUp.TotalMilliseconds:0} ms");
            yield return (
                "loading a rank-16 adapter / one decode step",
                $"{result.LoadOfRank16.TotalMilliseconds:0.0} / {result.DecodeStep.TotalMilliseconds:0.0} ms");
        }
    }
}
