using LoraServe.Engine.Training.Results;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Engine.Training.Ranks;

/// <summary>Trains the same task with different ranks and recommends one.</summary>
public sealed class RankStudy
{
    // Float32 each: the weight, its gradient and the two moments of AdamW.
    private const int TrainingBytesPerParameter = 16;

    private readonly StudiedModel _model;

    /// <param name="trainer">Trains and evaluates.</param>
    public RankStudy(LoraTrainer trainer)
        : this(StudiedModel.Of(trainer))
    {
    }

    internal RankStudy(StudiedModel model) => _model = model;

    /// <summary>Checks every training of the study.</summary>
    /// <returns>What all trainings have in common, one sentence each.</returns>
    /// <exception cref="InvalidTrainingException">With every fault.</exception>
    /// <exception cref="IOException">A file cannot be read, or the study's folder cannot be written.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IReadOnlyList<string> Check(RankStudyRequest request, CancellationToken cancellationToken = default) =>
        RankStudyPlan.Of(request, _model, cancellationToken).Rules;

    /// <summary>
    /// Runs the study. When it is run again in the same folder, after a kill or with
    /// more ranks or seeds, finished trainings are not repeated; an interrupted one resumes from its checkpoint, and a diverged one has no figures.
    /// </summary>
    /// <param name="request">What to try.</param>
    /// <param name="progress">Called in order, on one thread at a time.</param>
    /// <param name="cancellationToken">Ends it once the current training has saved a checkpoint.</param>
    /// <exception cref="InvalidTrainingException">With every fault.</exception>
    /// <exception cref="TrainingFailedException">A training failed, or all of them diverged.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<RankStudyResult> RunAsync(
        RankStudyRequest request, IProgress<RankStudyProgress> progress, CancellationToken cancellationToken)
    {
        var plan = await Task.Run(() => RankStudyPlan.Of(request, _model, cancellationToken), cancellationToken);
        var run = new RankStudyRun(_model, request, plan.Trainings);
        var ended = new List<(RankTraining Training, RankFigures Figures)>();
        foreach (var training in plan.Trainings)
        {
            var count = ended.Count;
            var told = new Relay(e => progress.Report(new RankStudyProgress(count, plan.Trainings.Count, training.Title, e)));
            ended.Add((training, await run.TrainAsync(training, told, cancellationToken)));
        }

        progress.Report(new RankStudyProgress(ended.Count, plan.Trainings.Count, "spectra", null));
        var spectrum = await Task.Run(run.ReadSpectrum, cancellationToken);
        var rows = ended.GroupBy(item => (item.Training.Rank, item.Training.Target, item.Training.DataSize)).Select(Row).ToList();
        var figures = ended.Select(item => item.Figures.Figures).OfType<EvaluationFigures>().FirstOrDefault();
        var generated = figures?.GeneratedExamples ?? 0;
        var plateau = RankPlateau.Of(rows);
        return new RankStudyResult
        {
            Rows = rows,
            PlateauRank = plateau.Chosen.Rank!.Value,
            PlateauTarget = plateau.Chosen.Target,
            Recommendation = plateau.Recommend(rows),
            Rules = plan.Rules,
            TestExamples = figures?.Examples ?? 0,
            GeneratedExamples = generated,
            Spectrum = spectrum,
        };
    }

    private RankStudyRow Row(IGrouping<(int? Rank, string Target, int DataSize), (RankTraining Training, RankFigures Figures)> seeds)
    {
        var figures = seeds.Select(seed => seed.Figures).ToList();
        var whole = figures.Where(figure => figure.Figures is not null).ToList();
        return new RankStudyRow
        {
            Rank = seeds.Key.Rank,
            Target = seeds.Key.Target,
            DataSize = seeds.Key.DataSize,
            Parameters = figures[0].Parameters,
            Share = (double)figures[0].Parameters / _model.Parameters,
            Bytes = figures.Max(figure => figure.Bytes),
            Elapsed = TimeSpan.FromSeconds(whole.Select(figure => figure.Elapsed.TotalSeconds).DefaultIfEmpty().Average()),
            TrainingBytes = TrainingBytesPerParameter * figures[0].Parameters,
            Diverged = figures.Count - whole.Count,
            Losses = [.. whole.Select(figure => figure.Figures!.Loss)],
            GeneratedExamples = whole.Select(figure => figure.Figures!.GeneratedExamples).FirstOrDefault(),
            ExactMatches = [.. whole.Select(figure => figure.Figures!.ExactMatch).OfType<double>()],
        };
    }

    private sealed class Relay(Action<TrainingEvent> tell) : IProgress<TrainingEvent>
    {
        public void Report(TrainingEvent value) => tell(value);
    }
}
