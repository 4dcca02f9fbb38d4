using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Engine.Tests.Adapters;

/// <summary>What is said of adapters that do not exist.</summary>
internal static class Descriptions
{
    public static AdapterInfo Of(string version) => new()
    {
        Name = "",
        Version = new AdapterVersionId(version),
        Rank = 4,
        Alpha = 8,
        UsesRsLora = false,
        TargetModules = ["q_proj"],
        ModuleCount = 1,
        Parameters = 100,
        SizeBytes = 1000,
        LoadedBytes = 400,
        BaseModelName = null,
        Created = DateTimeOffset.UnixEpoch,
        Warnings = [],
    };
}
