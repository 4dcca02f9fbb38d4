namespace LoraServe.Engine.Training.Settings;

/// <summary>What is trained.</summary>
public enum TrainingMethod
{
    /// <summary>A and B beside the frozen weights (Hu et al. 2021), and DoRA's magnitudes where they are asked for.</summary>
    Lora,

    /// <summary>Every weight, in a copy of its own: what LoRA is measured against.</summary>
    Full,
}
