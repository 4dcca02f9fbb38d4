using LoraServe.Engine.Training.Planning;
using LoraServe.Engine.Training.Results;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Engine.Training.Ranks;

/// <summary>What a study needs of the base and its trainer.</summary>
internal sealed record StudiedModel
{
    /// <summary>The base's fingerprint.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>Weights of the base.</summary>
    public required long Parameters { get; init; }

    /// <summary><see cref="LoraTrainer.Prepare"/>.</summary>
    public required Func<TrainingRequest, CancellationToken, TrainingPlan> Prepare { get; init; }

    /// <summary>Faults of hyperparameters on the data of a plan: see <see cref="LoraTrainer"/>.</summary>
    public required Func<Hyperparameters, TrainingPlan, IReadOnlyList<string>> FindFaults { get; init; }

    /// <summary><see cref="LoraTrainer.RunAsync"/>.</summary>
    public required Func<TrainingPlan, IProgress<TrainingEvent>, CancellationToken, Task<TrainingResult>> TrainAsync { get; init; }

    /// <summary><see cref="UpdateSpectra.Read"/>.</summary>
    public required Func<IReadOnlyList<string>, int, string, RankSpectrum> ReadSpectrum { get; init; }

    /// <summary>The base of an engine.</summary>
    public static StudiedModel Of(LoraTrainer trainer)
    {
        var (engine, model) = (trainer.Engine, trainer.Engine.Model);
        return new StudiedModel
        {
            Fingerprint = $"{model.Fingerprint} {model.Dtype}",
            Parameters = model.Parameters,
            Prepare = trainer.Prepare,
            FindFaults = trainer.FindFaults,
            TrainAsync = (plan, progress, cancellation) => trainer.RunAsync(plan, progress, cancellation),
            ReadSpectrum = new UpdateSpectra(engine.BaseModel.Config.Modules(model.Name)).Read,
        };
    }
}
