namespace LoraServe.Engine.Adapters.Intake;

/// <summary>How the files of an adapter are packed.</summary>
public enum ArchiveFormat
{
    /// <summary>A tar, compressed by gzip.</summary>
    TarGz,

    /// <summary>A zip.</summary>
    Zip,
}
