using System.Text.Json.Serialization;

namespace LoraServe.Engine.Training.Results;

/// <summary>How well a model does on held-out examples.</summary>
/// <param name="Loss">Mean cross-entropy of the targets in nats.</param>
/// <param name="TokenAccuracy">Part of the targets that were the most probable token.</param>
/// <param name="ExactMatch">Part of the generated examples whose greedy completion is the expected text; null if none was generated.</param>
/// <param name="Examples">Examples that the loss is over.</param>
/// <param name="GeneratedExamples">Examples that were generated.</param>
public sealed record EvaluationFigures(double Loss, double TokenAccuracy, double? ExactMatch, int Examples, int GeneratedExamples)
{
    /// <summary>exp of the loss: infinite above a loss of 710, which JSON cannot express.</summary>
    [JsonIgnore]
    public double Perplexity => Math.Exp(Loss);
}
