using System.Numerics;

namespace LoraServe.Engine.Merging;

/// <summary>Steps that take about the same time. Each number but the count of weight sets is rounded up to a power of two.</summary>
/// <param name="Tokens">Tokens computed.</param>
/// <param name="Context">Thousands of tokens attended to.</param>
/// <param name="WeightSets">Sets of weights read: the base's, and that of each slot.</param>
/// <param name="Adapters">Adapters beside the base.</param>
/// <param name="Rank">The highest of their ranks.</param>
internal readonly record struct StepShape(int Tokens, int Context, int WeightSets, int Adapters, int Rank)
{
    // Cost of an adapter beside the base, as a part of a step of the base, until its shape is measured. On a model of 135 million weights, one
    // of rank 16 cost 0.41 (27 and 38 ms), each of four in 8 rows 0.16 (164 and 101 tokens/s): docs/benchmarks.md. This lies between.
    private const double AdapterPart = 0.2;
    private const int Thousand = 1024;

    /// <summary>Estimated time of such a step, in steps of the base alone.</summary>
    public double Factor => WeightSets + (AdapterPart * Adapters);

    /// <summary>The same tokens on one set of weights without adapters.</summary>
    public StepShape Alone => this with { WeightSets = 1, Adapters = 0, Rank = 0 };

    /// <summary>The shape of a step with these numbers.</summary>
    public static StepShape Of(int tokens, int context, int weightSets, int adapters, int rank) =>
        new(RoundUp(tokens), RoundUp(context / Thousand), weightSets, RoundUp(adapters), RoundUp(rank));

    private static int RoundUp(int value) => (int)BitOperations.RoundUpToPowerOf2((uint)value);
}
