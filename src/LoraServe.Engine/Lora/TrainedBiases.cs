namespace LoraServe.Engine.Lora;

/// <summary>Which biases of the base were trained beside LoRA.</summary>
internal enum TrainedBiases
{
    None,

    /// <summary>Those of the adapted modules.</summary>
    LoraOnly,

    /// <summary>All that the base has.</summary>
    All,
}
