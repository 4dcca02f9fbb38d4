using LoraServe.Engine.Training.Settings;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Training.Planning;

/// <summary>Finds faults of hyperparameters that do not depend on data, alone and in combination.</summary>
/// <param name="faults">Receives every fault.</param>
internal sealed class HyperparameterFaults(FaultList faults)
{
    private const int MostSteps = 10_000_000;
    private const int MostBatchSize = 4096;
    private const int MostMicroBatchTokens = 1 << 20;

    /// <summary>Checks everything except ranks, targets and patterns: see <see cref="AdaptationFaults"/>.</summary>
    /// <param name="asked">As requested.</param>
    /// <param name="maxModelLen">Maximum tokens of a sequence.</param>
    /// <param name="hasValidation">Whether there is held-out data.</param>
    public void Check(Hyperparameters asked, int maxModelLen, bool hasValidation)
    {
        if (!Enum.IsDefined(asked.Method)) faults.Add($"method: expected {Names<TrainingMethod>()}, found {asked.Method}");
        if (asked.Schedule is { } schedule && !Enum.IsDefined(schedule))
            faults.Add($"schedule: expected {Names<LearningRateSchedule>()}, found {schedule}");
        if (asked is { Epochs: not null, Steps: not null }) faults.Add("epochs, steps: only one of the two can be given");
        Whole("epochs", asked.Epochs, 1, 10_000);
        Whole("steps", asked.Steps, 1, MostSteps);
        Whole("batch_size", asked.BatchSize, 1, MostBatchSize);
        Whole("micro_batch_tokens", asked.MicroBatchTokens, 1, MostMicroBatchTokens);
        Whole("warmup_steps", asked.WarmupSteps, 0, MostSteps);
        Whole("max_sequence_length", asked.MaxSequenceLength, 2, maxModelLen);
        Whole("seed", asked.Seed, 0, long.MaxValue);
        Whole("checkpoint_every", asked.CheckpointEvery, 1, MostSteps);
        Number("learning_rate", asked.LearningRate, value => value is > 0 and <= 1, "a number above 0, at most 1");
        Number("learning_rate_multiplier", asked.LearningRateMultiplier, value => value is > 0 and <= 1000, "a number above 0, at most 1000");
        Number("weight_decay", asked.WeightDecay, value => value is >= 0 and <= 1, "a number from 0 to 1");
        Number("max_gradient_norm", asked.MaxGradientNorm, value => value >= 0, "a number from 0 on, where 0 means no bound");
        if (asked.OutputDtype is not (null or "float32" or "bfloat16"))
            faults.Add($"output_dtype: expected float32 or bfloat16, found {FaultText.Shorten(asked.OutputDtype)}");
        CheckEvaluation(asked, hasValidation);
    }

    /// <summary>A given number must be finite and valid.</summary>
    public void Number(string name, double? value, Func<double, bool> fits, string expected)
    {
        if (value is { } number && (!double.IsFinite(number) || !fits(number))) faults.Add($"{name}: expected {expected}, found {number}");
    }

    /// <summary>A given whole number must be in its range.</summary>
    public void Whole(string name, long? value, long least, long most)
    {
        if (value is not { } number || (number >= least && number <= most)) return;
        faults.Add($"{name}: expected a whole number from {least} {(most == long.MaxValue ? "on" : $"to {most}")}, found {number}");
    }

    private void CheckEvaluation(Hyperparameters asked, bool hasValidation)
    {
        Whole("evaluate_every", asked.EvaluateEvery, 1, MostSteps);
        Whole("exact_match_examples", asked.ExactMatchExamples, 0, 1_000_000);
        Whole("early_stopping", asked.EarlyStopping, 0, MostSteps);
        if (hasValidation) return;
        (string Name, int? Value)[] needs =
        [
            ("evaluate_every", asked.EvaluateEvery),
            ("exact_match_examples", asked.ExactMatchExamples),
            ("early_stopping", asked.EarlyStopping),
        ];
        foreach (var (name, _) in needs.Where(need => need.Value is > 0))
            faults.Add($"{name}: needs validation data: give a validation file, or hold out a part of the training data");
    }

    private static string Names<T>() where T : struct, Enum => string.Join(", ", Enum.GetNames<T>().Select(name => name.ToLowerInvariant()));
}
