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

    /// <summary>Faults of unreadable files: broken JSON, wrong JSON types, a broken safetensors file, a missing file.</summary>
    public IReadOnlyList<string> Malformed { get; }

    /// <summary>Faults of readable files that do not fit this base or this server.</summary>
    public IReadOnlyList<string> Incompatible { get; }
}
