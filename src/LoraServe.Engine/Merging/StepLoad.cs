using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Engine.Merging;

/// <summary>What decides how long a step takes.</summary>
/// <param name="Tokens">Tokens that it computes.</param>
/// <param name="Context">Tokens that its rows attend to, all rows together.</param>
/// <param name="HasBase">Whether some tokens are those of the bare base.</param>
/// <param name="Adapters">The adapter versions in it, each once for each mode.</param>
internal sealed record StepLoad(int Tokens, int Context, bool HasBase, IReadOnlyList<AdapterLoad> Adapters)
{
    /// <summary>The step's shape where each adapter runs as told.</summary>
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
/// <param name="Mode">How its rows want to run.</param>
/// <param name="HasSlot">Whether merged weights of it exist.</param>
internal sealed record AdapterLoad(string Version, int Rank, MergeMode Mode, bool HasSlot);
