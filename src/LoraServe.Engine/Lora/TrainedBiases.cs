namespace LoraServe.Engine.Lora;

/// <summary>Which biases of the base were trained beside LoRA.</summary>
internal enum TrainedBiases
{
    None,

    /// <summary>Those of the adapted modules.</summary>
    LoraOnly,

    /// <summary>All biases of the base.</summary>
    All,
}
