using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Engine.Merging;

/// <summary>The load of a step, which determines step time.</summary>
/// <param name="Tokens">Tokens computed.</param>
/// <param name="Context">Tokens attended to, summed over the rows.</param>
/// <param name="HasBase">Whether some tokens run on the base.</param>
/// <param name="Adapters">The adapter versions of the other tokens, each once for each mode.</param>
internal readonly record struct StepLoad(int Tokens, int Context, bool HasBase, List<AdapterLoad> Adapters)
{
    /// <summary>The shape of the step.</summary>
    /// <param name="usesSlots">Whether adapters of mode auto run on merged weights where there is a slot.</param>
    public StepShape Shape(bool usesSlots) => Shape(usesSlots, other: -1, isOtherMerged: false);

    /// <summary>The same with one adapter on weights of its own choice.</summary>
    /// <param name="usesSlots">What the others do.</param>
    /// <param name="other">The place of the one among the adapters.</param>
    /// <param name="isOtherMerged">Whether that one runs on merged weights.</param>
    public StepShape Shape(bool usesSlots, int other, bool isOtherMerged)
    {
        var (unmerged, rank) = (0, 0);
        for (var i = 0; i < Adapters.Count; i++)
        {
            if (i == other ? isOtherMerged : Adapters[i].IsMerged(usesSlots)) continue;
            unmerged++;
            rank = Math.Max(rank, Adapters[i].Rank);
        }

        return StepShape.Of(Tokens, Context, Adapters.Count - unmerged + (HasBase || unmerged > 0 ? 1 : 0), unmerged, rank);
    }
}

/// <summary>One adapter version in a step.</summary>
/// <param name="Version">The version.</param>
/// <param name="Rank">Its highest rank.</param>
/// <param name="Mode">Whether its rows run on merged weights, as their requests or the adapter say.</param>
/// <param name="HasSlot">Whether merged weights of it exist.</param>
internal readonly record struct AdapterLoad(AdapterVersionId Version, int Rank, MergeMode Mode, bool HasSlot)
{
    /// <summary>Whether its rows run on merged weights.</summary>
    /// <param name="usesSlots">Whether those of mode auto do where there is a slot.</param>
    public bool IsMerged(bool usesSlots) => Mode == MergeMode.Merged || (Mode == MergeMode.Auto && HasSlot && usesSlots);
}
