using LoraServe.Engine.Training.Results;

namespace LoraServe.Engine.Training.Ranks;

/// <summary>Progress of a study.</summary>
/// <param name="Done">Trainings that ended.</param>
/// <param name="Total">Trainings in all.</param>
/// <param name="Current">The current activity, as text.</param>
/// <param name="Event">The training's event, if any.</param>
public sealed record RankStudyProgress(int Done, int Total, string Current, TrainingEvent? Event);
