namespace LoraServe.Engine.Training.Settings;

/// <summary>The course of the learning rate after warm-up.</summary>
public enum LearningRateSchedule
{
    /// <summary>Half a cosine to 0 (Loshchilov and Hutter 2017, section 3).</summary>
    Cosine,

    /// <summary>Linear to 0.</summary>
    Linear,

    /// <summary>Constant.</summary>
    Constant,
}
