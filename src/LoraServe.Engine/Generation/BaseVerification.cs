using LoraServe.Engine.Models;

namespace LoraServe.Engine.Generation;

/// <summary>Hashes the base's weights between the steps of requests, once for all callers at the same time.</summary>
/// <param name="loop">Its thread reads the weights.</param>
/// <param name="weights">The weights of the base.</param>
internal sealed class BaseVerification(EngineLoop loop, BaseWeights weights)
{
    // The least share of engine time while requests wait, whatever --training-share is, so that the hash completes. A guess, not measured:
    // a compromise between the delay of its caller and that of the requests.
    private const double LeastShare = 0.05;

    private readonly SingleFlight<string> _flights = new();

    /// <summary>See <see cref="LlmEngine.ComputeChecksumAsync"/>.</summary>
    public Task<string> ComputeAsync(CancellationToken cancellationToken) => _flights.RunAsync("base", HashAsync, cancellationToken);

    private async Task<string> HashAsync(CancellationToken cancellationToken)
    {
        using var checksum = weights.BeginChecksum();
        await loop.RunInBackgroundAsync(checksum, cancellationToken, LeastShare);
        return checksum.Value;
    }
}
