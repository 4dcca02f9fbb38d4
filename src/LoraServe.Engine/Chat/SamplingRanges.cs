using LoraServe.Engine.Sampling;

namespace LoraServe.Engine.Chat;

/// <summary>The ranges of sampling parameters, the same as in the HTTP API, for in-process callers.</summary>
internal static class SamplingRanges
{
    private const int MostAlternatives = 20;

    /// <exception cref="ArgumentException">Values are out of range; the message names all of them.</exception>
    public static void Check(SamplingParams sampling, int vocabularySize)
    {
        var faults = new List<string>();
        Expect(sampling.Temperature is >= 0 and <= 2, nameof(sampling.Temperature), "0 to 2", sampling.Temperature);
        Expect(sampling.TopP is > 0 and <= 1, nameof(sampling.TopP), "above 0, at most 1", sampling.TopP);
        Expect(sampling.MinP is >= 0 and <= 1, nameof(sampling.MinP), "0 to 1", sampling.MinP);
        Expect(sampling.TopK >= 0, nameof(sampling.TopK), "0 or more", sampling.TopK);
        Expect(sampling.RepetitionPenalty is >= 0.01f and <= 100, nameof(sampling.RepetitionPenalty), "0.01 to 100", sampling.RepetitionPenalty);
        Expect(sampling.PresencePenalty is >= -2 and <= 2, nameof(sampling.PresencePenalty), "-2 to 2", sampling.PresencePenalty);
        Expect(sampling.FrequencyPenalty is >= -2 and <= 2, nameof(sampling.FrequencyPenalty), "-2 to 2", sampling.FrequencyPenalty);
        Expect(sampling.MaxTokens >= 0, nameof(sampling.MaxTokens), "0 or more", sampling.MaxTokens);
        Expect(sampling.MinTokens >= 0 && sampling.MinTokens <= sampling.MaxTokens, nameof(sampling.MinTokens), "0 to MaxTokens", sampling.MinTokens);
        Expect(sampling.Logprobs is null or (>= 0 and <= MostAlternatives), nameof(sampling.Logprobs), $"0 to {MostAlternatives}", sampling.Logprobs);
        Expect(
            sampling.PromptLogprobs is null or (>= 0 and <= MostAlternatives), nameof(sampling.PromptLogprobs), $"0 to {MostAlternatives}", sampling.PromptLogprobs);
        foreach (var id in sampling.LogitBias.Keys.Concat(sampling.StopTokenIds).Where(id => id < 0 || id >= vocabularySize).Take(1))
            faults.Add($"LogitBias and StopTokenIds: expected ids below {vocabularySize}, found {id}");
        foreach (var bias in sampling.LogitBias.Values.Where(bias => !float.IsFinite(bias)).Take(1))
            faults.Add($"LogitBias: expected finite numbers, found {bias}");
        if (faults.Count > 0) throw new ArgumentException(string.Join("; ", faults), nameof(sampling));

        void Expect(bool isRight, string name, string expected, object? found)
        {
            if (!isRight) faults.Add(FormattableString.Invariant($"{name}: expected {expected}, found {found}"));
        }
    }
}
