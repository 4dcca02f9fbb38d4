using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Models;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Settings;
using TorchSharp;

namespace LoraServe.Engine.Training.Planning;

/// <summary>
/// The memory of a training beside the base: trained weights, their gradients and the optimiser's state, the activations of its largest
/// pass, and its data. An estimate from shapes alone, on the high side.
/// </summary>
/// <param name="engine">Whose model is trained.</param>
/// <param name="settings">How it is trained.</param>
/// <param name="ranks">Of its modules.</param>
internal sealed class TrainingMemory(LlmEngine engine, TrainingSettings settings, ModuleRanks ranks)
{
    private const long MiB = 1 << 20;

    // Float32 each: the weight, its gradient and the two moments of AdamW.
    private const int BytesOfParameter = 16;

    private readonly ModelModules _modules = engine.BaseModel.Config.Modules(engine.Model.Name);

    /// <summary>Number of trained weights.</summary>
    public long Parameters => settings.Method == TrainingMethod.Full ? engine.Model.Parameters : ranks.Parameters;

    /// <summary>Bytes of trained weights, gradients and optimiser state.</summary>
    public long OfParameters
    {
        get
        {
            var isCopied = settings.Method == TrainingMethod.Lora || Compute != torch.ScalarType.Float32;
            var snapshot = settings.ExactMatchExamples > 0 ? Parameters * SizeOf(Weights.Dtype) : 0;
            var largest = _modules.Linears.Where(linear => linear.Path != _modules.Head)
                .Max(linear => (long)linear.InFeatures * linear.OutFeatures);
            // Transposed sums, and DoRA's norms of W + s B A.
            var transient = settings.Method == TrainingMethod.Full ? sizeof(float) * largest : settings.UseDora ? 2 * sizeof(float) * largest : 0;
            return (Parameters * (BytesOfParameter + (isCopied ? SizeOf(Compute) : 0))) + snapshot + transient;
        }
    }

    private BaseWeights Weights => engine.BaseModel.Weights;

    private torch.ScalarType Compute => ComputeDtype.OfTraining(Weights.Dtype, Weights.Device);

    /// <summary>Total bytes.</summary>
    /// <param name="training">Examples to train on.</param>
    /// <param name="validation">Held-out examples, or null.</param>
    /// <param name="microBatchTokens">Overrides the settings'; null keeps those.</param>
    public long Of(TrainingDataset training, TrainingDataset? validation, int? microBatchTokens = null)
    {
        var tokens = microBatchTokens ?? settings.MicroBatchTokens;
        var longest = DatasetMemory.Longest(training);
        var step = training.Examples.Select(example => (long)example.Tokens.Count).OrderDescending().Take(settings.BatchSize).Sum();
        var pass = new PassMemory(engine.BaseModel.Config, _modules, settings, ranks, SizeOf(Compute));
        var passes = pass.Training(Math.Max(longest, Math.Min(tokens, step)), longest);
        if (validation is not null)
        {
            var most = DatasetMemory.Longest(validation);
            passes = Math.Max(passes, pass.Evaluation(Math.Max(most, Math.Min(tokens, validation.Tokens)), most));
        }

        return OfParameters + passes + DatasetMemory.Of(training) + (validation is null ? 0 : DatasetMemory.Of(validation));
    }

    /// <summary>Why a training does not fit, and what to lower; null if it fits.</summary>
    /// <param name="training">Examples to train on.</param>
    /// <param name="validation">Held-out examples, or null.</param>
    /// <param name="budget">Bytes that it may take.</param>
    public string? FindFault(TrainingDataset training, TrainingDataset? validation, long budget)
    {
        var all = Of(training, validation);
        if (all <= budget) return null;
        var found = $"the training would take about {Mebibytes(all)} of memory beside the model, {Mebibytes(OfParameters)} of it for what is trained, "
            + $"more than the {Mebibytes(budget)} of training-memory";
        const string otherwise = "or allow more with training-memory";
        if (OfParameters > budget)
        {
            return settings.Method == TrainingMethod.Full
                ? $"method: {found}: train an adapter instead of every weight, {otherwise}"
                : $"r: {found}: lower r, name fewer target_modules, {otherwise}";
        }

        var fits = MostTokens(training, validation, budget);
        if (fits > 0) return $"micro_batch_tokens: {found}: lower it from {settings.MicroBatchTokens} to at most {fits}, {otherwise}";
        var recompute = settings.Recompute ? "" : "turn recompute on, ";
        return $"max_sequence_length: {found}, with one example of {DatasetMemory.Longest(training)} tokens at a time already: {recompute}shorten or leave out "
            + $"long examples, {otherwise}";
    }

    /// <summary>The largest micro_batch_tokens, up to the settings', that fits; 0 if none does.</summary>
    /// <param name="training">Examples to train on.</param>
    /// <param name="validation">Held-out examples, or null.</param>
    /// <param name="budget">Bytes that it may take.</param>
    public int MostTokens(TrainingDataset training, TrainingDataset? validation, long budget)
    {
        if (Of(training, validation) <= budget) return settings.MicroBatchTokens;
        var (fits, exceeds) = (0, settings.MicroBatchTokens);
        while (exceeds - fits > 1)
        {
            var middle = fits + ((exceeds - fits) / 2);
            if (Of(training, validation, middle) <= budget) fits = middle;
            else exceeds = middle;
        }

        return fits;
    }

    private static int SizeOf(torch.ScalarType type) => type == torch.ScalarType.Float32 ? 4 : 2;

    private static string Mebibytes(long bytes) => $"{(bytes + MiB - 1) / MiB} MiB";
}
