using LoraServe.Text.Faults;

namespace LoraServe.Engine.Adapters.Catalog;

/// <summary>A fault of adapters that a request reaches, perhaps through a saved mix whose parts it may not know.</summary>
public abstract class AdapterException : Exception
{
    private protected AdapterException(string message, IReadOnlyList<string> adapters, Exception? inner = null)
        : base(message, inner) => Adapters = adapters;

    /// <summary>Adapters that the message names and the request may not have named itself.</summary>
    public IReadOnlyList<string> Adapters { get; }
}

/// <summary>No adapter has this name, or it has no such version.</summary>
public sealed class UnknownAdapterException : AdapterException
{
    /// <summary>No adapter has the name. The message is OpenAI's.</summary>
    public UnknownAdapterException(string name)
        : this(name, $"The model `{FaultText.Shorten(name)}` does not exist or you do not have access to it.", [])
    {
    }

    internal UnknownAdapterException(string name, string message, IReadOnlyList<string> adapters)
        : base(message, adapters) => Name = name;

    /// <summary>What was asked for.</summary>
    public string Name { get; }
}

/// <summary>The reference of a request is invalid: its form, its coefficients, an ambiguous version, a mix that contains itself.</summary>
public sealed class InvalidAdapterReferenceException : AdapterException
{
    /// <summary>Joins all faults into one message.</summary>
    public InvalidAdapterReferenceException(IReadOnlyList<string> faults)
        : this(faults, [])
    {
    }

    internal InvalidAdapterReferenceException(string fault, params IReadOnlyList<string> adapters)
        : this([fault], adapters)
    {
    }

    private InvalidAdapterReferenceException(IReadOnlyList<string> faults, IReadOnlyList<string> adapters)
        : base($"adapter: {FaultText.Join(faults)}", adapters) => Faults = faults;

    /// <summary>Each fault on its own.</summary>
    public IReadOnlyList<string> Faults { get; }
}

/// <summary>A requested change of an adapter is not possible; the message lists every fault.</summary>
public sealed class InvalidAdapterPatchException(IReadOnlyList<string> faults) : Exception(FaultText.Join(faults))
{
    /// <summary>Each fault on its own: field, what was expected, what was found.</summary>
    public IReadOnlyList<string> Faults { get; } = faults;
}

/// <summary>The name points at another version and the caller did not ask to replace it.</summary>
public sealed class AdapterExistsException(string name) : Exception($"An adapter named '{name}' exists with other content.");

/// <summary>Running requests or mixes use the name, and the caller did not force its removal.</summary>
public sealed class AdapterInUseException : Exception
{
    /// <param name="name">The adapter.</param>
    /// <param name="mix">The mix that it is a part of; null if requests run on it.</param>
    public AdapterInUseException(string name, string? mix)
        : this(name, mix is null ? "requests that run" : $"the mix '{mix}'", mix)
    {
    }

    private AdapterInUseException(string name, string use, string? mix)
        : base($"The adapter '{name}' is in use by {use}: wait, or force it.") => (Name, Mix) = (name, mix);

    /// <summary>The adapter.</summary>
    public string Name { get; }

    /// <summary>The mix that uses it; null if there is none, or none is named.</summary>
    public string? Mix { get; }

    /// <summary>The same without the name of the mix.</summary>
    public AdapterInUseException WithoutMix() => new(Name, "a mix", mix: null);
}

/// <summary>
/// An adapter that was accepted cannot be loaded any more: its files were damaged, changed or deleted on the server's disk.
/// </summary>
public sealed class DamagedAdapterException(string name, string reason, Exception? inner = null)
    : AdapterException($"The adapter '{name}' cannot be loaded: {reason} Upload it again.", [name], inner);

/// <summary>The name comes from the folder of adapters given at start, which only the operator changes.</summary>
public sealed class AdapterReadOnlyException(string name)
    : Exception(
        $"The adapter '{name}' comes from the server's folder of adapters and cannot be changed here: "
        + "change it there and restart, or take another name.");

/// <summary>The limit of concurrent exports of mixes is reached.</summary>
public sealed class TooManyExportsException() : Exception("Too many mixes are being downloaded. Try again later.");
