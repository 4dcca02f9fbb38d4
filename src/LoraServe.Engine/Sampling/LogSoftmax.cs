namespace LoraServe.Engine.Sampling;

/// <summary>The model's own log-probabilities of the next token, before any sampling parameter.</summary>
internal static class LogSoftmax
{
    /// <param name="logits">[vocabulary].</param>
    /// <param name="token">The token to report.</param>
    /// <param name="top">Number of most probable tokens to report, best first, the lower id first among equals.</param>
    /// <exception cref="NotFiniteNumberException">The logits do not define a distribution.</exception>
    public static TokenLogprobs Logprobs(ReadOnlySpan<float> logits, int token, int top)
    {
        var normaliser = Softmax.LogSumExp(logits, Softmax.Max(logits));
        return new TokenLogprobs((float)(logits[token] - normaliser), Top(logits, top, normaliser));
    }

    private static TokenLogprob[] Top(ReadOnlySpan<float> logits, int count, double normaliser)
    {
        var top = new TokenLogprob[Math.Min(count, logits.Length)];
        var found = 0;
        for (var token = 0; token < logits.Length && top.Length > 0; token++)
        {
            if (found == top.Length && logits[token] <= top[^1].Logprob) continue;

            // The last one falls out where the list is full.
            var place = found < top.Length ? found++ : found - 1;
            for (; place > 0 && top[place - 1].Logprob < logits[token]; place--) top[place] = top[place - 1];
            top[place] = new TokenLogprob(token, logits[token]);
        }

        foreach (ref var best in top.AsSpan()) best = best with { Logprob = (float)(best.Logprob - normaliser) };
        return top;
    }
}
