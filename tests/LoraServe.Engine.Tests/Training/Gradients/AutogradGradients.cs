using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Gradients;
using LoraServe.Engine.Training.Settings;
using TorchSharp;

namespace LoraServe.Engine.Tests.Training.Gradients;

/// <summary>Loss and gradients of a batch by libtorch's autograd on the reference decoder.</summary>
internal static class AutogradGradients
{
    /// <summary>The loss times <paramref name="weight"/>, and its gradients by the parameters' names, in the current dispose scope.</summary>
    public static (double Loss, IReadOnlyDictionary<string, torch.Tensor> Gradients) Of(
        TrainedCheckpoint checkpoint,
        TrainingSettings settings,
        IEnumerable<TrainedParameter> parameters,
        TrainingBatch batch,
        double weight,
        Dropout? dropout = null)
    {
        var leaves = parameters.ToDictionary(
            parameter => parameter.Name, parameter => parameter.Value.clone().requires_grad_(true), StringComparer.Ordinal);
        var reference = new AutogradDecoder(
            checkpoint.Config,
            name => name.EndsWith(".bias", StringComparison.Ordinal) ? checkpoint.Weights.Bias(name[..^5]) : checkpoint.Weights.Weight(name),
            leaves,
            path => Scaling(settings, path),
            dropout);
        var start = 0;
        var sum = torch.zeros(1);
        foreach (var length in batch.Lengths)
        {
            sum = sum + reference.Loss(
                [.. batch.Tokens.Skip(start).Take(length)], [.. batch.Targets.Skip(start).Take(length)], start, batch.Tokens.Count);
            start += length;
        }

        (sum * weight).backward();
        return (sum.item<float>() * weight, leaves.ToDictionary(leaf => leaf.Key, leaf => leaf.Value.grad!, StringComparer.Ordinal));
    }

    private static double Scaling(TrainingSettings settings, string path)
    {
        var rank = settings.RankPattern.FirstOrDefault(pair => path.EndsWith(pair.Key, StringComparison.Ordinal)) is { Key: not null } r ? r.Value : settings.Rank;
        var alpha = settings.AlphaPattern.FirstOrDefault(pair => path.EndsWith(pair.Key, StringComparison.Ordinal)) is { Key: not null } a ? a.Value : settings.Alpha;
        return alpha / (settings.UseRsLora ? Math.Sqrt(rank) : rank);
    }
}
