using LoraServe.Engine.Checkpoints;
using LoraServe.Text.Templates;
using static TorchSharp.torch;

namespace LoraServe.Engine.Adapters.Residency;

/// <summary>The base model as adapters see it.</summary>
internal sealed record AdapterBase
{
    /// <summary>The modules that adapters can act on.</summary>
    public required ModelModules Modules { get; init; }

    /// <summary>The fingerprint of the base's weights as its checkpoint stores them.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>The compute dtype.</summary>
    public required ScalarType Dtype { get; init; }

    /// <summary>The device that adapters are loaded to.</summary>
    public required Device Device { get; init; }

    /// <summary>The base's own tensors by their names; they are only read.</summary>
    public required Func<string, Tensor> Tensor { get; init; }

    /// <summary>The tokenizer whose special tokens adapters use that name none.</summary>
    public ChatTemplates Templates { get; init; } = ChatTemplates.None;
}
