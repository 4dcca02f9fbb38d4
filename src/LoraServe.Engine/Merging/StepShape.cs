using System.Numerics;

namespace LoraServe.Engine.Merging;

/// <summary>Steps that take about the same time: each number but the count of weight sets is a power of two, rounded up.</summary>
/// <param name="Tokens">Tokens that the step computes.</param>
/// <param name="Context">Thousands of tokens that they attend to.</param>
/// <param name="WeightSets">How many weights of a module are read: the base's, and each slot's.</param>
/// <param name="Adapters">Adapters that run beside the base.</param>
/// <param name="Rank">The highest of their ranks.</param>
internal readonly record struct StepShape(int Tokens, int Context, int WeightSets, int Adapters, int Rank)
{
    // Until it is measured, an adapter beside the base is taken to cost this part of a step of the base.
    private const double AdapterPart = 0.2;
    private const int Thousand = 1024;

    /// <summary>How long such a step takes by rule of thumb, in steps of the base alone.</summary>
    public double Factor => WeightSets + (AdapterPart * Adapters);

    /// <summary>A step of as many tokens on one set of weights without adapters.</summary>
    public StepShape Alone => this with { WeightSets = 1, Adapters = 0, Rank = 0 };

    /// <summary>The shape of a step with these numbers.</summary>
    public static StepShape Of(int tokens, int context, int weightSets, int adapters, int rank) =>
        new(RoundUp(tokens), RoundUp(context / Thousand), weightSets, RoundUp(adapters), RoundUp(rank));

    private static int RoundUp(int value) => (int)BitOperations.RoundUpToPowerOf2((uint)value);
}
