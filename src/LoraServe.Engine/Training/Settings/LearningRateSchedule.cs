namespace LoraServe.Engine.Training.Settings;

/// <summary>The course of the learning rate after warm-up.</summary>
public enum LearningRateSchedule
{
    /// <summary>To 0 along half a cosine (Loshchilov and Hutter 2017, section 3).</summary>
    Cosine,

    /// <summary>To 0 along a line.</summary>
    Linear,

    /// <summary>It stays.</summary>
    Constant,
}
