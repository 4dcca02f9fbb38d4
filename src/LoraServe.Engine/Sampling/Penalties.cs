namespace LoraServe.Engine.Sampling;

/// <summary>
/// The steps before the temperature: logit bias, repetition, presence and frequency penalties, and masking of stop tokens up to the minimum.
/// </summary>
internal sealed class Penalties(int vocabularySize)
{
    private readonly int[] _counts = new int[vocabularySize]; // 0 between calls

    /// <param name="scores">[vocabulary], logits that are changed in place.</param>
    /// <param name="state">The sequence so far.</param>
    public void Apply(Span<float> scores, SamplingState state)
    {
        var sampling = state.Parameters;
        foreach (var (token, bias) in sampling.Biases)
            scores[token] += bias;
        if (sampling.RepetitionPenalty != 1)
            ApplyRepetition(scores, state.Tokens, sampling.RepetitionPenalty);
        if (sampling.PresencePenalty != 0 || sampling.FrequencyPenalty != 0)
            ApplyPresenceAndFrequency(scores, state.Generated, sampling);
        if (state.Generated.Length < sampling.MinTokens)
        {
            // A checkpoint may name end-of-sequence tokens beyond the rows of its head.
            foreach (var token in state.StopTokens)
            {
                if ((uint)token < (uint)vocabularySize) scores[token] = float.NegativeInfinity;
            }
        }
    }

    private void ApplyRepetition(Span<float> scores, ReadOnlySpan<int> tokens, float penalty)
    {
        foreach (var token in tokens)
        {
            if (_counts[token]++ == 0)
                scores[token] = scores[token] > 0 ? scores[token] / penalty : scores[token] * penalty;
        }

        Reset(tokens);
    }

    private void ApplyPresenceAndFrequency(Span<float> scores, ReadOnlySpan<int> generated, SamplingParams sampling)
    {
        foreach (var token in generated)
            _counts[token]++;
        foreach (var token in generated)
        {
            // The first occurrence of a token applies the whole penalty and resets the count, so that later ones apply none.
            if (_counts[token] > 0)
                scores[token] -= sampling.PresencePenalty + (sampling.FrequencyPenalty * _counts[token]);
            _counts[token] = 0;
        }
    }

    private void Reset(ReadOnlySpan<int> tokens)
    {
        foreach (var token in tokens)
            _counts[token] = 0;
    }
}
