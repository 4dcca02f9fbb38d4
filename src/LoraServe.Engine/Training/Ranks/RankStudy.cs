namespace LoraServe.Engine.Training.Ranks;

/// <summary>Trains the same task with different ranks and says which one it needs.</summary>
/// <param name="trainer">Trains and evaluates.</param>
public sealed class RankStudy(LoraTrainer trainer)
{
    /// <summary>Checks every training of the study.</summary>
    /// <exception cref="InvalidTrainingException">With every fault.</exception>
    public void Check(RankStudyRequest request) => throw new NotSupportedException("Training is being built.");

    /// <summary>Runs the study; one that was killed goes on after the last training that ended.</summary>
    public Task<RankStudyResult> RunAsync(RankStudyRequest request, IProgress<RankStudyProgress> progress, CancellationToken cancellationToken) =>
        throw new NotSupportedException("Training is being built.");

    private LoraTrainer Trainer => trainer;
}

/// <summary>Where a study is.</summary>
/// <param name="Done">Trainings that ended.</param>
/// <param name="Total">Trainings in all.</param>
/// <param name="Current">What is being trained, for a person.</param>
/// <param name="Event">What it told, if anything.</param>
public sealed record RankStudyProgress(int Done, int Total, string Current, TrainingEvent? Event);
