using System.Text.Json;

namespace LoraServe.Engine.Tests.Models;

/// <summary>One row of Golden/expected: a prompt on the base or an adapter, the logits at each of its positions and its greedy continuation.</summary>
internal sealed record GoldenRow(string Case, int[] Prompt, string LogitsKey, int[] Greedy, double SmallestGap)
{
    // Below this difference between the best two logits, rounding may choose either token.
    private const double DecisiveGap = 1e-3;

    public bool IsDecisive => SmallestGap > DecisiveGap;

    /// <summary>The rows of a checkpoint whose adapter the predicate takes; mixes of adapters are left out.</summary>
    public static IReadOnlyList<GoldenRow> Load(string checkpoint, Predicate<string> takes) =>
    [
        .. GoldenData.Json("expected", $"{checkpoint}.json").EnumerateArray()
            .Where(row => !row.TryGetProperty("parts", out _) && takes(row.GetProperty("case").GetString()!))
            .Select(row => new GoldenRow(
                row.GetProperty("case").GetString()!,
                row.GetProperty("prompt").Deserialize<int[]>()!,
                row.GetProperty("logits").GetString()!,
                row.GetProperty("greedy").Deserialize<int[]>()!,
                row.GetProperty("smallest_gap").GetDouble())),
    ];
}
