namespace LoraServe.Engine.Training.Ranks;

/// <summary>A question for the rank that a task needs.</summary>
public sealed record RankStudyRequest
{
    /// <summary>The training without rank, targets and seed, which the study sets.</summary>
    public required TrainingRequest Training { get; init; }

    /// <summary>Held-out examples that the trained adapters are compared on; null: the validation data of the training.</summary>
    public string? TestFile { get; init; }

    /// <summary>Ranks to try.</summary>
    public IReadOnlyList<int> Ranks { get; init; } = [1, 2, 4, 8, 16, 32];

    /// <summary>Placements to try: attention, all-linear.</summary>
    public IReadOnlyList<string> Targets { get; init; } = ["all-linear"];

    /// <summary>Sizes of the training data to try, the first so many examples; empty: all of it.</summary>
    public IReadOnlyList<int> DataSizes { get; init; } = [];

    /// <summary>Trainings for each of these, with seeds of their own.</summary>
    public int Seeds { get; init; } = 3;

    /// <summary>Whether full fine-tuning is tried too.</summary>
    public bool IncludesFull { get; init; } = true;
}
