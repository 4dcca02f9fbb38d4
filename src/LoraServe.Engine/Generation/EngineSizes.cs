using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Models;
using static TorchSharp.torch;

namespace LoraServe.Engine.Generation;

/// <summary>How long sequences may be and how much memory keys, values and merged weights get, by options, model and machine.</summary>
internal static class EngineSizes
{
    /// <summary>Tokens in a block of the KV cache. vLLM's default: larger blocks share less of a prefix, smaller ones need more bookkeeping.</summary>
    public const int BlockSize = 16;

    /// <summary>Most tokens of a prompt and its continuation together.</summary>
    /// <exception cref="InvalidCheckpointException">More were asked for than the model can do.</exception>
    public static int MaxModelLen(EngineOptions options, ModelConfig config)
    {
        var asked = options.MaxModelLen ?? config.MaxPositionEmbeddings;
        var isStretchable = config.Rotary.Type == RotaryType.Dynamic;
        var most = isStretchable ? ModelConfig.MaxPositions : config.MaxPositionEmbeddings;
        if (asked <= most) return asked;
        throw new InvalidCheckpointException(
            options.Model,
            [$"max-model-len: expected at most {(isStretchable ? most : $"the {most} of max_position_embeddings")}, found {asked}"]);
    }

    /// <summary>Tokens of the KV cache, a multiple of <see cref="BlockSize"/>: as the memory allows, and no more than can be used.</summary>
    /// <exception cref="InvalidCheckpointException">The memory is too small for one block.</exception>
    public static int KvTokens(EngineOptions options, ModelConfig config, int maxModelLen, ScalarType dtype)
    {
        var bytes = 2L * config.LayerCount * config.KvHeadCount * config.HeadDim * (dtype == ScalarType.Float32 ? 4 : 2);
        var affordable = ((long)options.KvCacheMemory << 20) / bytes;
        var useful = (long)options.MaxNumSeqs * ((maxModelLen + BlockSize - 1) / BlockSize * BlockSize);
        var tokens = Math.Min(affordable, useful) / BlockSize * BlockSize;
        if (tokens > 0) return (int)Math.Min(tokens, int.MaxValue / BlockSize * BlockSize);
        throw new InvalidCheckpointException(
            options.Model, [$"kv-cache-memory: expected at least {(bytes * BlockSize >> 20) + 1} MiB, found {options.KvCacheMemory}"]);
    }

    /// <summary>
    /// Most bytes of merged weights: room for every linear module of the layers once, but at most a quarter of the machine's memory, because
    /// merged weights only save time.
    /// </summary>
    public static long MergedBytes(EngineOptions options, BaseWeights weights) =>
        options.MergedBytes ?? Math.Min(weights.LinearBytes, QuarterOfMemory);

    /// <summary>Most bytes that a training or an evaluation may take beside the base.</summary>
    public static long TrainingMemory(EngineOptions options) =>
        options.TrainingMemory is { } mebibytes ? (long)mebibytes << 20 : QuarterOfMemory;

    private static long QuarterOfMemory => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4;
}
