using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Engine.Merging;

/// <summary>The load of a step, which determines step time.</summary>
/// <param name="Tokens">Tokens computed.</param>
/// <param name="Context">Tokens attended to, summed over the rows.</param>
/// <param name="HasBase">Whether some tokens run on the base.</param>
/// <param name="Adapters">The adapter versions of the other tokens, each once for each mode.</param>
internal sealed record StepLoad(int Tokens, int Context, bool HasBase, IReadOnlyList<AdapterLoad> Adapters)
{
    /// <summary>The shape of the step.</summary>
    /// <param name="isMerged">Whether an adapter runs on merged weights.</param>
    public StepShape Shape(Predicate<AdapterLoad> isMerged)
    {
        var unmerged = Adapters.Where(adapter => !isMerged(adapter)).ToList();
        var weightSets = (Adapters.Count - unmerged.Count) + (HasBase || unmerged.Count > 0 ? 1 : 0);
        return StepShape.Of(Tokens, Context, weightSets, unmerged.Count, unmerged.Select(adapter => adapter.Rank).DefaultIfEmpty().Max());
    }
}

/// <summary>One adapter version in a step.</summary>
/// <param name="Version">The version.</param>
/// <param name="Rank">Its highest rank.</param>
/// <param name="Mode">Whether its rows run on merged weights, as their requests or the adapter say.</param>
/// <param name="HasSlot">Whether merged weights of it exist.</param>
internal sealed record AdapterLoad(AdapterVersionId Version, int Rank, MergeMode Mode, bool HasSlot)
{
    /// <summary>Whether its rows run on merged weights.</summary>
    /// <param name="usesSlots">Whether those of mode auto do where there is a slot.</param>
    public bool IsMerged(bool usesSlots) => Mode == MergeMode.Merged || (Mode == MergeMode.Auto && HasSlot && usesSlots);
}
