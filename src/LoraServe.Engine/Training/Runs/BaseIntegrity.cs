using LoraServe.Engine.Generation;
using LoraServe.Engine.Training.Results;

namespace LoraServe.Engine.Training.Runs;

/// <summary>Verifies that the base's weights, which a training only reads, are those that were loaded.</summary>
/// <param name="engine">Whose base it is.</param>
/// <param name="work">Reads them in slices.</param>
internal sealed class BaseIntegrity(LlmEngine engine, EngineWork work)
{
    /// <summary>Reads all weights.</summary>
    /// <exception cref="TrainingFailedException">They have changed.</exception>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        using var checksum = engine.BaseModel.Weights.BeginChecksum();
        await work.RunAsync(checksum, cancellationToken);
        if (checksum.Value != engine.Model.Checksum)
        {
            throw new TrainingFailedException(
                $"The weights of the base have changed: their checksum is {checksum.Value}, and was {engine.Model.Checksum} when they were "
                + "loaded. Start the server again, and have its memory checked.");
        }
    }
}
