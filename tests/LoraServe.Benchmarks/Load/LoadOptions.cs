namespace LoraServe.Benchmarks.Load;

/// <summary>How to load a server.</summary>
/// <param name="Url">Address of the server, without a path.</param>
/// <param name="Adapters">Request i takes adapter i modulo their number; <see cref="Base"/> takes none.</param>
/// <param name="Concurrency">Requests that are open at the same time.</param>
/// <param name="Requests">Requests in all.</param>
/// <param name="Prompts">Each adapter gets them in turn.</param>
/// <param name="MaxTokens">Most tokens of an answer.</param>
/// <param name="IgnoreEos">Whether every answer has exactly that many.</param>
/// <param name="TimeLimit">When requests that still run are given up.</param>
internal sealed record LoadOptions(
    Uri Url, IReadOnlyList<string> Adapters, int Concurrency, int Requests, IReadOnlyList<string> Prompts, int MaxTokens, bool IgnoreEos,
    TimeSpan TimeLimit)
{
    /// <summary>The name that stands for the base model without an adapter.</summary>
    public const string Base = "base";
}
