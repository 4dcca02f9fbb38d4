using LoraServe.Engine.Lora;

namespace LoraServe.Engine.Tests.Lora;

/// <summary>The low-rank updates of adapters that have no others.</summary>
internal static class LowRankUpdates
{
    public static LoraWeights LowRank(this LoraAdapter adapter, string path) => (LoraWeights)adapter.Linears[path];

    public static IEnumerable<LoraWeights> LowRanks(this LoraAdapter adapter) => adapter.Linears.Values.Cast<LoraWeights>();
}
