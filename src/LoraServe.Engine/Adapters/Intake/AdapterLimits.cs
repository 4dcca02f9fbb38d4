using LoraServe.Engine.Adapters.Store;
using LoraServe.Text.Templates;

namespace LoraServe.Engine.Adapters.Intake;

/// <summary>What an upload may cost before it is refused as <see cref="AdapterFault.TooLarge"/>.</summary>
public sealed record AdapterLimits
{
    /// <summary>Bytes of the archive as it is sent.</summary>
    public long MaxArchiveBytes { get; init; } = 1L << 30;

    /// <summary>Bytes of all files of an adapter together, after unpacking.</summary>
    public long MaxExpandedBytes { get; init; } = 2L << 30;

    /// <summary>Bytes of one file.</summary>
    public long MaxFileBytes { get; init; } = 2L << 30;

    /// <summary>Bytes of adapter_config.json, which is read whole.</summary>
    public long MaxConfigBytes { get; init; } = 1L << 20;

    /// <summary>
    /// Unpacked bytes allowed per byte of the archive, beyond <see cref="FreeExpansionBytes"/>.
    /// </summary>
    public int MaxExpansion { get; init; } = 100;

    /// <summary>Bytes that any archive may unpack to: matrices of zeros in a small adapter compress well and harm nobody.</summary>
    public long FreeExpansionBytes { get; init; } = 16L << 20;

    /// <summary>Entries of an archive, or files sent one by one.</summary>
    public int MaxEntries { get; init; } = 1000;

    /// <summary>Characters of an entry's path.</summary>
    public int MaxPathLength { get; init; } = 512;

    /// <summary>Bytes that an archive of this size may unpack to.</summary>
    internal long ExpandedBytes(long archiveBytes) =>
        archiveBytes >= MaxExpandedBytes / MaxExpansion
            ? MaxExpandedBytes
            : Math.Min(MaxExpandedBytes, Math.Max(FreeExpansionBytes, archiveBytes * MaxExpansion));

    /// <summary>Bytes that this file of an adapter may have.</summary>
    internal long FileBytes(string fileName) => Math.Min(MaxFileBytes, fileName switch
    {
        AdapterFiles.Config => MaxConfigBytes,
        ChatTemplateFiles.TemplateFile => ChatTemplateFiles.MaxTemplateBytes,
        ChatTemplateFiles.ConfigFile => ChatTemplateFiles.MaxConfigBytes,
        _ => long.MaxValue,
    });
}
