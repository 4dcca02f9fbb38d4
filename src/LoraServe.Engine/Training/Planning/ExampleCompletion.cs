using LoraServe.Engine.Generation;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Training.Data;

namespace LoraServe.Engine.Training.Planning;

/// <summary>Requests that complete the prompts of examples.</summary>
internal static class ExampleCompletion
{
    // The same text in different tokens is an exact match too.
    private const int SpareTokens = 8;

    /// <summary>Greedy, and no longer than the expected text could be.</summary>
    public static SamplingParams Sampling(LlmEngine engine, TrainingExample example)
    {
        var expected = example.Tokens.Count - example.Prompt.Count;
        return new SamplingParams
        {
            Temperature = 0,
            MaxTokens = Math.Min(expected + (expected / 4) + SpareTokens, engine.RoomAfter(example.Prompt.Count)),
            StopTokenIds = engine.Tokenizer.IsSpecial(example.Tokens[^1]) ? [example.Tokens[^1]] : [],
        };
    }

    /// <summary>Why the first examples of held-out data cannot be generated; empty if they can.</summary>
    /// <param name="engine">Would generate them.</param>
    /// <param name="validation">The held-out data.</param>
    /// <param name="count">How many each evaluation generates.</param>
    public static IReadOnlyList<string> FindFaults(LlmEngine engine, TrainingDataset validation, int count)
    {
        var faults = new DataFaults("validation data");
        foreach (var example in validation.Examples.Take(count))
        {
            try
            {
                engine.CheckFits(example.Prompt.Count, Sampling(engine, example));
            }
            catch (ContextLengthExceededException e)
            {
                faults.Add(example.Line, $"cannot be generated for the exact match (exact_match_examples): {e.Message}");
            }
        }

        return faults.All;
    }
}
