namespace LoraServe.Keys;

/// <summary>What a key may do.</summary>
public enum KeyScope
{
    /// <summary>Generate text.</summary>
    Infer,

    /// <summary>See adapters.</summary>
    AdaptersRead,

    /// <summary>Upload, change and delete adapters.</summary>
    AdaptersWrite,

    /// <summary>Train adapters.</summary>
    Train,

    /// <summary>Everything, keys included.</summary>
    Admin,
}
