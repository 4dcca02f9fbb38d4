namespace LoraServe.Benchmarks.Load;

/// <summary>How to load a server.</summary>
/// <param name="Url">Address of the server, without a path.</param>
/// <param name="Adapters">Request i takes adapter i modulo their number; <see cref="Base"/> takes none.</param>
/// <param name="Concurrency">Concurrent requests.</param>
/// <param name="Requests">Total requests.</param>
/// <param name="Prompts">Each adapter gets them in turn.</param>
/// <param name="MaxTokens">Maximum tokens of an answer.</param>
/// <param name="IgnoreEos">Whether every answer has exactly that many tokens.</param>
/// <param name="TimeLimit">When running requests are cancelled.</param>
internal sealed record LoadOptions(
    Uri Url, IReadOnlyList<string> Adapters, int Concurrency, int Requests, IReadOnlyList<string> Prompts, int MaxTokens, bool IgnoreEos,
    TimeSpan TimeLimit)
{
    /// <summary>The name that stands for the base model without an adapter.</summary>
    public const string Base = "base";
}
