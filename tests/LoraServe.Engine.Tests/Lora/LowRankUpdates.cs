using LoraServe.Engine.Lora;

namespace LoraServe.Engine.Tests.Lora;

/// <summary>The low-rank updates of adapters that have no others.</summary>
internal static class LowRankUpdates
{
    public static LowRankUpdate LowRank(this LoraAdapter adapter, string path) => (LowRankUpdate)adapter.Linears[path];

    public static IEnumerable<LowRankUpdate> LowRanks(this LoraAdapter adapter) => adapter.Linears.Values.Cast<LowRankUpdate>();
}
