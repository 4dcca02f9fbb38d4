namespace LoraServe.Api.Adapters;

/// <summary>An adapter to load from the server's own disk.</summary>
public sealed record LoadLoraAdapterRequest
{
    /// <summary>The name that requests will use.</summary>
    /// <example>support-replies</example>
    public string? LoraName { get; set; }

    /// <summary>A PEFT folder on the server's machine, relative to the folder that its operator allows or absolute and below it.</summary>
    /// <example>support-replies</example>
    public string? LoraPath { get; set; }

    /// <summary>Whether the name may be moved from another adapter.</summary>
    /// <example>false</example>
    public bool LoadInplace { get; set; }
}

/// <summary>An adapter to take away.</summary>
public sealed record UnloadLoraAdapterRequest
{
    /// <summary>Its name.</summary>
    /// <example>support-replies</example>
    public string? LoraName { get; set; }

    /// <summary>vLLM's own number of the adapter; it is passed over, since the name says it all.</summary>
    /// <example>1</example>
    public int? LoraIntId { get; set; }
}
