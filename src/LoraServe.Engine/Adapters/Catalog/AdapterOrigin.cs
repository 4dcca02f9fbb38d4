namespace LoraServe.Engine.Adapters.Catalog;

/// <summary>
/// What came with an upload but is not part of the content that its version is a hash of. It belongs to the name: others
/// may have uploaded the same content, and need not know of each other.
/// </summary>
internal sealed record AdapterOrigin
{
    /// <summary>What its configuration calls the base model.</summary>
    public required string? BaseModelName { get; init; }

    /// <summary>lora_alpha of its configuration, which applies where no pattern says otherwise.</summary>
    public required double Alpha { get; init; }

    /// <summary>Size of its tensor file in bytes.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Warnings that do not prevent serving.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>Where it comes from, in the uploader's words.</summary>
    public string? Provenance { get; init; }

    /// <summary>That of an upload.</summary>
    /// <param name="info">What was found in it.</param>
    /// <param name="provenance">Null: nobody said.</param>
    public static AdapterOrigin Of(AdapterInfo info, string? provenance) => new()
    {
        BaseModelName = info.BaseModelName,
        Alpha = info.Alpha,
        SizeBytes = info.SizeBytes,
        Warnings = info.Warnings,
        Provenance = provenance,
    };

    /// <summary>The description of the content under the name.</summary>
    public AdapterInfo ApplyTo(AdapterInfo content) => content with
    {
        BaseModelName = BaseModelName,
        Alpha = Alpha,
        SizeBytes = SizeBytes,
        Warnings = Warnings,
        Provenance = Provenance,
    };
}
