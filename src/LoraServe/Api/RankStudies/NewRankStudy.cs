using System.ComponentModel.DataAnnotations;
using LoraServe.Api.FineTuning;

namespace LoraServe.Api.RankStudies;

/// <summary>A study of the rank that a task needs, as it is wanted.</summary>
public sealed record NewRankStudy
{
    /// <summary>Id of a file of examples to train on.</summary>
    /// <example>file-3f9a1c2b7d4e3f9a1c2b7d4e</example>
    [Required]
    public string? TrainingFile { get; init; }

    /// <summary>Id of a file of held-out examples that settings are compared on.</summary>
    /// <example>file-5a1c2b7d4e3f9a1c2b7d4e3f</example>
    [Required]
    public string? TestFile { get; init; }

    /// <summary>Ranks to try.</summary>
    /// <example>[1, 2, 4, 8, 16, 32]</example>
    public IReadOnlyList<int> Ranks { get; init; } = [1, 2, 4, 8, 16, 32];

    /// <summary>Placements to try: attention, all-linear, or names of modules with commas between them.</summary>
    /// <example>["attention", "all-linear"]</example>
    public IReadOnlyList<string> Targets { get; init; } = ["all-linear"];

    /// <summary>Numbers of training examples to try, from the first on; empty: all.</summary>
    /// <example>[]</example>
    public IReadOnlyList<int> DataSizes { get; init; } = [];

    /// <summary>Trainings of each setting.</summary>
    /// <example>3</example>
    [Range(1, 100)]
    public int Seeds { get; init; } = 3;

    /// <summary>Whether full fine-tuning is tried too.</summary>
    /// <example>true</example>
    public bool Full { get; init; } = true;

    /// <summary>Learning rate of full fine-tuning; absent: a tenth of LoRA's.</summary>
    /// <example>0.0001</example>
    [Range(0.0, 10.0, MinimumIsExclusive = true)]
    public double? FullLearningRate { get; init; }

    /// <summary>The seed of the first training of each setting; the others have the next ones.</summary>
    /// <example>42</example>
    [Range(0, int.MaxValue)]
    public int Seed { get; init; } = Engine.Training.Settings.Hyperparameters.DefaultSeed;

    /// <summary>What all trainings have in common; r, target_modules and patterns are set by the study.</summary>
    public SupervisedHyperparameters? Hyperparameters { get; init; }
}
