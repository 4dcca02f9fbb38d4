using LoraServe.Engine.Models;

namespace LoraServe.Engine.Generation;

/// <summary>Hashes the base's weights between the steps of requests; whoever asks meanwhile waits for the same hash.</summary>
/// <param name="loop">Whose thread owns the weights.</param>
/// <param name="weights">The base's.</param>
internal sealed class BaseVerification(EngineLoop loop, BaseWeights weights)
{
    // Of the engine's time while requests wait, whatever trainings get, so that it has an end.
    private const double LeastShare = 0.05;

    private readonly SingleFlight<string> _flights = new();

    /// <summary>See <see cref="LlmEngine.ComputeChecksumAsync"/>.</summary>
    public Task<string> ComputeAsync(CancellationToken cancellationToken) => _flights.RunAsync("base", HashAsync, cancellationToken);

    private async Task<string> HashAsync(CancellationToken cancellationToken)
    {
        using var checksum = weights.BeginChecksum();
        await loop.RunInBackgroundAsync(checksum.Advance, cancellationToken, LeastShare);
        return checksum.Value;
    }
}
