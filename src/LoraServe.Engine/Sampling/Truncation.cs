namespace LoraServe.Engine.Sampling;

/// <summary>
/// Top-k, top-p and min-p. Each keeps a prefix of the tokens in descending order of score, the lower id first among equals, so
/// the three combine to a single cut.
/// </summary>
/// <remarks>
/// The vocabulary is never fully sorted: tokens are counted and summed in buckets by the upper half of their distance's bits (the
/// bits of non-negative floats are ordered like the floats), and only the bucket with the cut is sorted.
/// </remarks>
internal sealed class Truncation(int vocabularySize)
{
    private const int BucketBits = 16;

    private readonly int[] _counts = new int[(BitConverter.SingleToInt32Bits(float.PositiveInfinity) >> BucketBits) + 1];
    private readonly double[] _masses = new double[(BitConverter.SingleToInt32Bits(float.PositiveInfinity) >> BucketBits) + 1];
    private readonly ulong[] _ranks = new ulong[vocabularySize];

    /// <summary>Sets the weight of each token that is not kept to 0. The best token is always kept.</summary>
    /// <param name="distances">[vocabulary], the distance of each token's score below the best one.</param>
    /// <param name="weights">[vocabulary], probabilities up to a factor; that of the best token is 1.</param>
    /// <param name="sampling">The parameters.</param>
    public void Apply(ReadOnlySpan<float> distances, Span<float> weights, SamplingParams sampling)
    {
        var limitsCount = sampling.TopK > 0 && sampling.TopK < vocabularySize;
        var cut = ulong.MaxValue;
        if (limitsCount || sampling.TopP < 1)
        {
            FillBuckets(distances, weights);
            var mass = 0d;
            if (limitsCount)
                (cut, mass) = CutByCount(distances, weights, sampling.TopK);
            else
                mass = Softmax.Sum(weights);
            if (sampling.TopP < 1)
                cut = Math.Min(cut, CutByMass(distances, weights, sampling.TopP * mass));
        }
        else if (sampling.MinP == 0)
        {
            return;
        }

        var minimum = Math.Min(sampling.MinP, 1);
        for (var token = 0; token < weights.Length; token++)
        {
            if (weights[token] < minimum || Rank(distances[token], token) > cut)
                weights[token] = 0;
        }
    }

    // Orders tokens by distance, then by id.
    private static ulong Rank(float distance, int token) => ((ulong)BitConverter.SingleToUInt32Bits(distance) << 32) | (uint)token;

    private static int Bucket(float distance) => BitConverter.SingleToInt32Bits(distance) >> BucketBits;

    private void FillBuckets(ReadOnlySpan<float> distances, ReadOnlySpan<float> weights)
    {
        Array.Clear(_counts);
        Array.Clear(_masses);
        for (var token = 0; token < distances.Length; token++)
        {
            var bucket = Bucket(distances[token]);
            _counts[bucket]++;
            _masses[bucket] += weights[token];
        }
    }

    // The rank of the k-th token, and the mass of the first k.
    private (ulong Cut, double Mass) CutByCount(ReadOnlySpan<float> distances, ReadOnlySpan<float> weights, int k)
    {
        var bucket = 0;
        var count = 0;
        var mass = 0d;
        for (; count + _counts[bucket] < k; bucket++)
        {
            count += _counts[bucket];
            mass += _masses[bucket];
        }

        var ranks = Sort(distances, bucket)[..(k - count)];
        foreach (var rank in ranks)
            mass += weights[(int)(uint)rank];
        return (ranks[^1], mass);
    }

    // The rank of the token with which the mass reaches the target.
    private ulong CutByMass(ReadOnlySpan<float> distances, ReadOnlySpan<float> weights, double target)
    {
        var bucket = 0;
        var mass = 0d;
        for (; bucket < _masses.Length - 1 && mass + _masses[bucket] < target; bucket++)
            mass += _masses[bucket];

        foreach (var rank in Sort(distances, bucket))
        {
            mass += weights[(int)(uint)rank];
            if (mass >= target)
                return rank;
        }

        return ulong.MaxValue;
    }

    private ReadOnlySpan<ulong> Sort(ReadOnlySpan<float> distances, int bucket)
    {
        var count = 0;
        for (var token = 0; token < distances.Length; token++)
        {
            if (Bucket(distances[token]) == bucket)
                _ranks[count++] = Rank(distances[token], token);
        }

        var ranks = _ranks.AsSpan(0, count);
        ranks.Sort();
        return ranks;
    }
}
