namespace LoraServe.Engine.Adapters.Catalog;

/// <summary>Where an adapter is at the moment.</summary>
public enum AdapterResidency
{
    /// <summary>Only in the store: its next request loads it.</summary>
    Disk,

    /// <summary>On its way into memory, or waiting for room there.</summary>
    Loading,

    /// <summary>In memory.</summary>
    Memory,
}
