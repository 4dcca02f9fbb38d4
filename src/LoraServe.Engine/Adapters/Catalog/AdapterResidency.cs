namespace LoraServe.Engine.Adapters.Catalog;

/// <summary>Where an adapter is at the moment.</summary>
public enum AdapterResidency
{
    /// <summary>Only in the store: its next request loads it.</summary>
    Disk,

    /// <summary>Being loaded, or waiting for memory.</summary>
    Loading,

    /// <summary>In memory.</summary>
    Memory,
}
