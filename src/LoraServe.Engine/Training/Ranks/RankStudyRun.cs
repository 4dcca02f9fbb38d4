using LoraServe.Engine.Training.Planning;
using LoraServe.Engine.Training.Results;

namespace LoraServe.Engine.Training.Ranks;

/// <summary>Runs the trainings of a study in sequence, each at most once.</summary>
/// <param name="model">The base.</param>
/// <param name="request">The study.</param>
/// <param name="trainings">All of its trainings.</param>
internal sealed class RankStudyRun(StudiedModel model, RankStudyRequest request, IReadOnlyList<RankTraining> trainings)
{
    private readonly RankStudyFolder _folder = new(request.Training.Folder);
    private readonly Dictionary<RankTraining, string> _names = [];

    // The highest rank and the last placement on all of the data; two seeds show whether they find the same directions.
    private readonly IReadOnlyList<RankTraining> _compared =
        [.. trainings.Where(training => training.Rank is not null).GroupBy(training => (training.Rank, training.Target, training.DataSize))
            .MaxBy(group => (group.Key.DataSize, group.Key.Target == request.Targets[^1], group.Key.Rank))!.Take(2)];

    /// <summary>Runs a training, resumes it, or reads its result.</summary>
    public async Task<RankFigures> TrainAsync(RankTraining training, IProgress<TrainingEvent> progress, CancellationToken cancellationToken)
    {
        var plan = await Task.Run(() => model.Prepare(training.Request, cancellationToken), cancellationToken);
        var name = _names[training] = NameOf(plan);
        if (_folder.Read<RankFigures>(name) is { } known && (known.Figures is null || !IsNeeded(training) || Directory.Exists(known.Folder)))
        {
            progress.Report(new Note(known.Figures is null ? "It diverged before, and is left out." : "It was made before."));
            return known;
        }

        var own = plan with { Request = plan.Request with { Folder = _folder.Training(name) } };
        var figures = await FiguresAsync(own, progress, cancellationToken);
        _folder.Save(name, figures);
        if (figures.Figures is null || !IsNeeded(training)) Forget(training);
        return figures;
    }

    /// <summary>The spectra at the highest rank, once all trainings are done; null if they diverged.</summary>
    public RankSpectrum? ReadSpectrum()
    {
        if (_folder.Read<RankSpectrum>(SpectrumName) is { } known) return known;
        var folders = _compared.Select(training => _folder.Read<RankFigures>(Name(training))!).Where(figures => figures.Figures is not null)
            .Select(figures => figures.Folder).ToList();
        if (folders.Count == 0) return null;
        var spectrum = model.ReadSpectrum(folders, _compared[0].Rank!.Value, _compared[0].Target);
        _folder.Save(SpectrumName, spectrum);
        foreach (var training in _compared) Forget(training);
        return spectrum;
    }

    private async Task<RankFigures> FiguresAsync(TrainingPlan plan, IProgress<TrainingEvent> progress, CancellationToken cancellationToken)
    {
        try
        {
            var result = await model.TrainAsync(plan, progress, cancellationToken);
            return new RankFigures
            {
                Parameters = plan.TrainedParameters,
                Bytes = new DirectoryInfo(result.Folder).EnumerateFiles("*.safetensors").Sum(file => file.Length),
                Elapsed = result.Elapsed,
                Figures = result.Validation ?? throw new TrainingFailedException("The training was not evaluated."),
                Folder = result.Folder,
            };
        }
        catch (TrainingFailedException e) when (e.HasDiverged)
        {
            progress.Report(new Note($"It diverged, and is left out. {e.Message}"));
            return new RankFigures { Parameters = plan.TrainedParameters, Bytes = 0, Elapsed = TimeSpan.Zero, Figures = null, Folder = "" };
        }
    }

    private string SpectrumName => $"spectrum-{RankStudyFolder.Name(_compared.Select(Name))}";

    // Its adapter is kept until the spectra have been read.
    private bool IsNeeded(RankTraining training) => _compared.Contains(training) && _folder.Read<RankSpectrum>(SpectrumName) is null;

    private void Forget(RankTraining training)
    {
        if (!request.KeepsAdapters) _folder.Delete(Name(training));
    }

    private string Name(RankTraining training)
    {
        if (!_names.TryGetValue(training, out var name)) _names.Add(training, name = NameOf(model.Prepare(training.Request, CancellationToken.None)));
        return name;
    }

    // Equal if everything that decides the result is equal.
    private string NameOf(TrainingPlan plan) =>
        RankStudyFolder.Name(new { model.Fingerprint, plan.Settings, Data = plan.Training.Hash, Test = plan.Validation!.Hash });
}
