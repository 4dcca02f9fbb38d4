using LoraServe.Text.Faults;

namespace LoraServe.Engine.Adapters.Intake;

/// <summary>An adapter was refused; the message lists every fault.</summary>
public sealed class InvalidAdapterException : Exception
{
    /// <summary>Joins all faults into one message.</summary>
    public InvalidAdapterException(AdapterFault kind, IReadOnlyList<string> faults)
        : base(FaultText.Join(faults))
    {
        Kind = kind;
        Faults = faults;
    }

    /// <summary>The kind of fault, which decides the HTTP status.</summary>
    public AdapterFault Kind { get; }

    /// <summary>Each fault on its own: file, field, what was expected, what was found.</summary>
    public IReadOnlyList<string> Faults { get; }
}

/// <summary>Kinds of refusal.</summary>
public enum AdapterFault
{
    /// <summary>Not readable as an adapter at all: a broken archive, JSON or safetensors file, a missing file (400).</summary>
    Malformed,

    /// <summary>Larger than a limit: bytes, expansion, number of files (413).</summary>
    TooLarge,

    /// <summary>A readable adapter that this base or this server cannot apply (422).</summary>
    Incompatible,
}
