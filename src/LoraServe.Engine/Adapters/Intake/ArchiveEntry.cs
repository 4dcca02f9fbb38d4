namespace LoraServe.Engine.Adapters.Intake;

/// <summary>An entry as the directory of an archive states it, before anything is unpacked.</summary>
/// <param name="Path">The path as stated: hostile.</param>
/// <param name="IsFolder">Whether it is a folder.</param>
/// <param name="Fault">Why an entry of this kind is not unpacked ("is a symbolic link"), or null.</param>
internal sealed record ArchiveEntry(string Path, bool IsFolder, string? Fault);
