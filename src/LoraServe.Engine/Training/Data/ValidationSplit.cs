using LoraServe.Text.Faults;

namespace LoraServe.Engine.Training.Data;

/// <summary>Holds out a part of a data set, a function of the seed alone.</summary>
internal static class ValidationSplit
{
    // A separate shuffle, so that the split is independent of the order of the epochs.
    private const int Shuffle = -1;

    /// <summary>The training part and the held-out part; at least one example each.</summary>
    /// <param name="all">Every example.</param>
    /// <param name="part">From above 0 to below 1.</param>
    /// <param name="seed">Of the training.</param>
    /// <param name="faults">Receives a fault if nothing would be left to train on; then nothing is held out.</param>
    public static (TrainingDataset Training, TrainingDataset? Validation) Of(TrainingDataset all, double part, long seed, FaultList faults)
    {
        var count = all.Examples.Count;
        var heldOut = Math.Max(1, (int)Math.Round(count * part));
        if (heldOut >= count)
        {
            faults.Add($"validation_split: {part} of {count} examples leaves none to train on");
            return (all, null);
        }

        var order = ExampleOrder.Shuffled(count, seed, Shuffle);
        TrainingDataset Part(IEnumerable<int> indices) => all with { Examples = [.. indices.Order().Select(index => all.Examples[index])] };
        return (Part(order.Skip(heldOut)), Part(order.Take(heldOut)) with { Warnings = [] });
    }
}
