using LoraServe.Engine.Training.Results;

namespace LoraServe.Engine.Training.Ranks;

/// <summary>Where a study is.</summary>
/// <param name="Done">Trainings that ended.</param>
/// <param name="Total">Trainings in all.</param>
/// <param name="Current">What is being done, for a person.</param>
/// <param name="Event">What the training told, if anything.</param>
public sealed record RankStudyProgress(int Done, int Total, string Current, TrainingEvent? Event);
