using LoraServe.Engine.Training.Settings;

namespace LoraServe.Engine.Training.Ranks;

/// <summary>The request of a rank study.</summary>
public sealed record RankStudyRequest
{
    /// <summary>Maximum trainings of a study.</summary>
    public const int MostTrainings = 1000;

    /// <summary>
    /// The training without rank, targets and seed, which the study sets; its seed is the first of the study's. Its folder holds the study.
    /// </summary>
    public required TrainingRequest Training { get; init; }

    /// <summary>Held-out examples that the trained adapters are compared on; null: the validation file of the training.</summary>
    public string? TestFile { get; init; }

    /// <summary>Ranks to try.</summary>
    public IReadOnlyList<int> Ranks { get; init; } = [1, 2, 4, 8, 16, 32];

    /// <summary>Placements to try, each a preset or names of modules with commas between them: attention, all-linear, "q_proj,v_proj".</summary>
    public IReadOnlyList<string> Targets { get; init; } = ["all-linear"];

    /// <summary>Sizes of the training data to try, each as the number of its first examples; empty: all of it.</summary>
    public IReadOnlyList<int> DataSizes { get; init; } = [];

    /// <summary>Trainings of each setting, with different seeds.</summary>
    public int Seeds { get; init; } = 3;

    /// <summary>Whether full fine-tuning is tried too.</summary>
    public bool IncludesFull { get; init; } = true;

    /// <summary>
    /// The learning rate of full fine-tuning; null: a tenth of LoRA's, about the ratio of the best rates of both (Schulman et al.
    /// 2025, "LoRA Without Regret").
    /// </summary>
    public double? FullLearningRate { get; init; }

    /// <summary>Whether the trained adapters are kept, or only the figures.</summary>
    public bool KeepsAdapters { get; init; }

    /// <summary>Number of trainings: each rank on each target, and full fine-tuning, with each data size and seed.</summary>
    public long Trainings => (((long)Ranks.Count * Targets.Count) + (IncludesFull ? 1 : 0)) * Math.Max(1, DataSizes.Count) * Seeds;
}
