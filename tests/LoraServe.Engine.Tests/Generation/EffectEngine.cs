using LoraServe.Engine.Generation;
using LoraServe.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Engine.Tests.Generation;

/// <summary>An engine on a golden checkpoint, small enough that measuring an effect takes several steps.</summary>
internal sealed class EffectEngine : IAsyncDisposable
{
    private readonly TemporaryFolder _data = new();

    public EffectEngine() => Engine = LlmEngine.Load(
        new EngineOptions
        {
            Model = GoldenData.Path("checkpoints", "llama-gqa"),
            Data = _data.Path,
            Dtype = "float32",
            Threads = 1,
            MaxNumSeqs = 2,
            MaxNumBatchedTokens = 64,
            KvCacheMemory = 8,
        },
        progress: null,
        NullLoggerFactory.Instance);

    public LlmEngine Engine { get; }

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        _data.Dispose();
    }
}
