using System.Text.Json;
using LoraServe.Tests;

namespace LoraServe.Engine.Tests.Models;

/// <summary>
/// One row of Golden/expected: a prompt on the base, an adapter or a mix, the logits at each of its positions and its greedy continuation.
/// </summary>
/// <param name="Case">"base", or what the adapter or the mix is called.</param>
/// <param name="Parts">Adapters and weights of a mix; none where the case is one adapter.</param>
/// <param name="Prompt">Token ids.</param>
/// <param name="LogitsKey">The tensor of the logits.</param>
/// <param name="Greedy">The continuation.</param>
/// <param name="SmallestGap">Least difference of the best two logits on the way.</param>
internal sealed record GoldenRow(
    string Case, IReadOnlyList<(string Adapter, double Weight)> Parts, int[] Prompt, string LogitsKey, int[] Greedy, double SmallestGap)
{
    // Below this difference between the best two logits, rounding may choose either token.
    private const double DecisiveGap = 1e-3;

    public bool IsDecisive => SmallestGap > DecisiveGap;

    /// <summary>All rows of a checkpoint.</summary>
    public static IReadOnlyList<GoldenRow> Load(string checkpoint) =>
    [
        .. GoldenData.Json("expected", $"{checkpoint}.json").EnumerateArray().Select(row => new GoldenRow(
            row.GetProperty("case").GetString()!,
            row.TryGetProperty("parts", out var parts)
                ? [.. parts.EnumerateArray().Select(part => (part.GetProperty("adapter").GetString()!, part.GetProperty("weight").GetDouble()))]
                : [],
            row.GetProperty("prompt").Deserialize<int[]>()!,
            row.GetProperty("logits").GetString()!,
            row.GetProperty("greedy").Deserialize<int[]>()!,
            row.GetProperty("smallest_gap").GetDouble())),
    ];
}
