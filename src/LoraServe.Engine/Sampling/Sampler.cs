namespace LoraServe.Engine.Sampling;

/// <summary>
/// Samples tokens. The result depends only on the logits and the <see cref="SamplingState"/>. Reuses buffers: not thread-safe.
/// </summary>
internal sealed class Sampler(int vocabularySize)
{
    private readonly Penalties _penalties = new(vocabularySize);
    private readonly Truncation _truncation = new(vocabularySize);
    private readonly float[] _scores = new float[vocabularySize];
    private readonly float[] _weights = new float[vocabularySize];

    /// <summary>The next token of a sequence, with log-probabilities if requested.</summary>
    /// <param name="logits">[vocabulary], at the sequence's last token.</param>
    /// <param name="state">The sequence so far.</param>
    /// <exception cref="NotFiniteNumberException">The logits contain NaN or +infinity, or leave no token to choose.</exception>
    public SampledToken Sample(ReadOnlySpan<float> logits, SamplingState state)
    {
        var sampling = state.Parameters;
        var token = Adjust(logits, state);
        if (sampling.Temperature > 0)
        {
            Weigh(token, sampling);
            token = Draw(TokenRandom.NextDouble(state.Seed, state.Generated.Length), token);
        }

        return new SampledToken(token, sampling.Logprobs is { } top ? LogSoftmax.Logprobs(logits, token, top) : null);
    }

    /// <summary>The probabilities [vocabulary] from which <see cref="Sample"/> draws; valid until the next call.</summary>
    public ReadOnlySpan<float> Probabilities(ReadOnlySpan<float> logits, SamplingState state)
    {
        var best = Adjust(logits, state);
        if (state.Parameters.Temperature == 0)
        {
            Array.Clear(_weights);
            _weights[best] = 1;
            return _weights;
        }

        Weigh(best, state.Parameters);
        var sum = Softmax.Sum(_weights);
        for (var token = 0; token < _weights.Length; token++)
            _weights[token] = (float)(_weights[token] / sum);
        return _weights;
    }

    // Fills the scores and returns the best token, the lowest id among equals.
    private int Adjust(ReadOnlySpan<float> logits, SamplingState state)
    {
        if (logits.Length != vocabularySize)
            throw new ArgumentException($"Expected {vocabularySize} logits, found {logits.Length}.", nameof(logits));

        logits.CopyTo(_scores);
        _penalties.Apply(_scores, state);
        var max = Softmax.Max(_scores);
        if (float.IsNegativeInfinity(max))
            throw new NotFiniteNumberException("No token is left to choose: the logit of each one is -infinity.", max);

        return _scores.AsSpan().IndexOf(max);
    }

    // Turns the scores into distances from the best one, and those into weights.
    private void Weigh(int best, SamplingParams sampling)
    {
        Softmax.Weigh(_scores, _scores[best], sampling.Temperature, _weights);
        _truncation.Apply(_scores, _weights, sampling);
    }

    // Inverse transform sampling over the cumulative shares; the best token if rounding puts the number past the last.
    private int Draw(double uniform, int best)
    {
        const int Block = 512;
        var target = uniform * Softmax.Sum(_weights);
        var token = 0;
        for (; token + Block < _weights.Length; token += Block)
        {
            var sum = Softmax.Sum(_weights.AsSpan(token, Block));
            if (target < sum)
                break;

            target -= sum;
        }

        for (; token < _weights.Length; token++)
        {
            target -= _weights[token];
            if (target < 0)
                return token;
        }

        return best;
    }
}
