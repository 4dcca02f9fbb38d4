namespace LoraServe.Engine.Training.Ranks;

/// <summary>Trains the same task with different ranks and says which one it needs.</summary>
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
    /// <returns>What all trainings have in common, a sentence each.</returns>
    /// <exception cref="InvalidTrainingException">With every fault.</exception>
    /// <exception cref="IOException">A file cannot be read, or the study's folder cannot be written.</exception>
    public IReadOnlyList<string> Check(RankStudyRequest request) => RankStudyPlan.Of(request, _model.Prepare).Rules;

    /// <summary>
    /// Runs the study. Trainings that ended are not made again when it is run again in the same folder, be it that it was killed or that it
    /// asks for more ranks or seeds; one that was interrupted goes on from its checkpoint.
    /// </summary>
    /// <param name="request">What to try.</param>
    /// <param name="progress">Told in order, on one thread at a time.</param>
    /// <param name="cancellationToken">Ends it once the training that runs has saved a checkpoint.</param>
    /// <exception cref="InvalidTrainingException">With every fault.</exception>
    /// <exception cref="TrainingFailedException">A training failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<RankStudyResult> RunAsync(
        RankStudyRequest request, IProgress<RankStudyProgress> progress, CancellationToken cancellationToken)
    {
        var plan = RankStudyPlan.Of(request, _model.Prepare);
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
        var figures = ended[0].Figures.Figures;
        var plateau = RankPlateau.Of(rows, figures.GeneratedExamples);
        return new RankStudyResult
        {
            Rows = rows,
            PlateauRank = plateau.Chosen.Rank!.Value,
            PlateauTarget = plateau.Chosen.Target,
            Recommendation = plateau.Recommend(rows),
            Rules = plan.Rules,
            TestExamples = figures.Examples,
            GeneratedExamples = figures.GeneratedExamples,
            Spectrum = spectrum,
        };
    }

    private RankStudyRow Row(IGrouping<(int? Rank, string Target, int DataSize), (RankTraining Training, RankFigures Figures)> seeds)
    {
        var figures = seeds.Select(seed => seed.Figures).ToList();
        return new RankStudyRow
        {
            Rank = seeds.Key.Rank,
            Target = seeds.Key.Target,
            DataSize = seeds.Key.DataSize,
            Parameters = figures[0].Parameters,
            Share = (double)figures[0].Parameters / _model.Parameters,
            Bytes = figures[0].Bytes,
            Elapsed = TimeSpan.FromSeconds(figures.Average(figure => figure.Elapsed.TotalSeconds)),
            TrainingBytes = TrainingBytesPerParameter * figures[0].Parameters,
            Losses = [.. figures.Select(figure => figure.Figures.Loss)],
            ExactMatches = [.. figures.Select(figure => figure.Figures.ExactMatch).OfType<double>()],
        };
    }

    private sealed class Relay(Action<TrainingEvent> tell) : IProgress<TrainingEvent>
    {
        public void Report(TrainingEvent value) => tell(value);
    }
}
