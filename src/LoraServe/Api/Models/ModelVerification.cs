namespace LoraServe.Api.Models;

/// <summary>Whether the base's weights are what was loaded.</summary>
public sealed record ModelVerification
{
    /// <summary>The base model.</summary>
    /// <example>loraserve-demo</example>
    public required string Id { get; init; }

    /// <summary>Always model.verification.</summary>
    /// <example>model.verification</example>
    public string Object { get; init; } = "model.verification";

    /// <summary>
    /// SHA-256 over names, shapes, types and bytes of all weights as the checkpoint stores them: which base it is, whatever the type of number
    /// that it is loaded in.
    /// </summary>
    /// <example>855f6ee603bbd0c1a4f1c9d9f6c2b8e7d5a4938271605f4e3d2c1b0a99887766</example>
    public required string Fingerprint { get; init; }

    /// <summary>The same over all weights as they lie in memory now, in the type of number that is computed with.</summary>
    /// <example>3d13d9f3d2e0b0c1a4f1c9d9f6c2b8e7d5a4938271605f4e3d2c1b0a99887766</example>
    public required string Checksum { get; init; }

    /// <summary>The checksum of the weights as they were loaded.</summary>
    /// <example>3d13d9f3d2e0b0c1a4f1c9d9f6c2b8e7d5a4938271605f4e3d2c1b0a99887766</example>
    public required string LoadedChecksum { get; init; }

    /// <summary>Whether both checksums are equal.</summary>
    /// <example>true</example>
    public bool IsUnchanged => Checksum == LoadedChecksum;
}
