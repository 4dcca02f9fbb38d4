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
        var top = new List<TokenLogprob>(Math.Min(count, logits.Length));
        for (var token = 0; token < logits.Length && count > 0; token++)
        {
            if (top.Count == count)
            {
                if (logits[token] <= top[^1].Logprob)
                    continue;

                top.RemoveAt(count - 1);
            }

            var place = top.Count;
            while (place > 0 && top[place - 1].Logprob < logits[token])
                place--;
            top.Insert(place, new TokenLogprob(token, logits[token]));
        }

        return [.. top.Select(best => best with { Logprob = (float)(best.Logprob - normaliser) })];
    }
}
