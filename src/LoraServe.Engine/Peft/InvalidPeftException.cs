using LoraServe.Text.Faults;

namespace LoraServe.Engine.Peft;

/// <summary>A PEFT folder cannot be applied to the base model; the message lists every fault.</summary>
internal sealed class InvalidPeftException : Exception
{
    /// <summary>Joins all faults into one message, the malformed ones first.</summary>
    public InvalidPeftException(IReadOnlyList<string> malformed, IReadOnlyList<string> incompatible)
        : base(FaultText.Join([.. malformed, .. incompatible]))
    {
        Malformed = malformed;
        Incompatible = incompatible;
    }

    /// <summary>Why files cannot be read at all: broken JSON, wrong JSON types, a broken safetensors file, a missing file.</summary>
    public IReadOnlyList<string> Malformed { get; }

    /// <summary>Why what was read cannot be applied to this base by this server.</summary>
    public IReadOnlyList<string> Incompatible { get; }
}
