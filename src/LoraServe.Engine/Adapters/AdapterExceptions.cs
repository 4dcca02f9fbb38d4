namespace LoraServe.Engine.Adapters;

/// <summary>No adapter has this name.</summary>
public sealed class UnknownAdapterException(string name) : Exception($"The adapter '{name}' does not exist.")
{
    /// <summary>The name asked for.</summary>
    public string Name { get; } = name;
}

/// <summary>The name belongs to another version and the caller did not ask to replace it.</summary>
public sealed class AdapterExistsException(string name) : Exception($"An adapter named '{name}' exists with other content.");

/// <summary>
/// An adapter that was accepted cannot be loaded any more: its files were damaged, changed or deleted on the server's disk.
/// </summary>
public sealed class DamagedAdapterException(string name, string reason, Exception? inner = null)
    : Exception($"The adapter '{name}' cannot be loaded: {reason} Upload it again.", inner);

/// <summary>The name comes from the folder of adapters given at start, which only the operator changes.</summary>
public sealed class AdapterReadOnlyException(string name)
    : Exception(
        $"The adapter '{name}' comes from the server's folder of adapters and cannot be changed here: "
        + "change it there and restart, or take another name.");
