using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>What a registry holds.</summary>
/// <param name="Aliases">All names.</param>
/// <param name="Versions">All versions whose descriptions can be read.</param>
/// <param name="Folders">Folders given at start, by path, as they were when they were last hashed.</param>
internal sealed record RegistryContent(
    IReadOnlyList<AdapterAlias> Aliases, IReadOnlyList<KnownVersion> Versions, IReadOnlyDictionary<string, FolderRow> Folders);
