using LoraServe.Engine.Models;

namespace LoraServe.Engine.Generation;

/// <summary>Hashes the base's weights between the steps of requests; whoever asks meanwhile waits for the same hash.</summary>
/// <param name="loop">Whose thread owns the weights.</param>
/// <param name="weights">The base's.</param>
internal sealed class BaseVerification(EngineLoop loop, BaseWeights weights)
{
    private readonly Lock _starting = new();
    private Task<string>? _running;

    /// <summary>See <see cref="LlmEngine.ComputeChecksumAsync"/>.</summary>
    public Task<string> ComputeAsync()
    {
        lock (_starting) return _running is { IsCompleted: false } running ? running : _running = HashAsync();
    }

    private async Task<string> HashAsync()
    {
        using var checksum = weights.BeginChecksum();
        await loop.RunInBackgroundAsync(checksum.Advance, CancellationToken.None);
        return checksum.Value;
    }
}
