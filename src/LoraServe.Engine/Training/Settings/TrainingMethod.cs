namespace LoraServe.Engine.Training.Settings;

/// <summary>What is trained.</summary>
public enum TrainingMethod
{
    /// <summary>A and B beside the frozen weights (Hu et al. 2021), and DoRA's magnitudes if requested.</summary>
    Lora,

    /// <summary>Every weight, in a copy: the baseline for LoRA.</summary>
    Full,
}
