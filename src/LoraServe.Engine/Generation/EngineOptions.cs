using LoraServe.Engine.Adapters.Intake;

namespace LoraServe.Engine.Generation;

/// <summary>What the engine needs to start. Null means: chosen from the model or the machine.</summary>
public sealed record EngineOptions
{
    /// <summary>Folder of the base model: config.json, safetensors, tokenizer.json.</summary>
    public required string Model { get; init; }

    /// <summary>The name under which the base is served; null: the last part of its folder's path.</summary>
    public string? ServedModelName { get; init; }

    /// <summary>Folder that keeps uploaded adapters across restarts.</summary>
    public required string Data { get; init; }

    /// <summary>How long the trash of the data folder keeps files that nothing refers to.</summary>
    public TimeSpan TrashAge { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Whether the index of the adapters is rebuilt from their folders.</summary>
    public bool RebuildRegistry { get; init; }

    /// <summary>Folder whose sub-folders are PEFT adapters to serve from the start, named after them.</summary>
    public string? Adapters { get; init; }

    /// <summary>auto, float32 or bfloat16. auto: bfloat16 where the CPU has AVX512_BF16 or AMX, else float32.</summary>
    public string Dtype { get; init; } = "auto";

    /// <summary>Intra-op threads of libtorch; null: the number of cores.</summary>
    public int? Threads { get; init; }

    /// <summary>Most tokens of a prompt and its continuation together; null: what the model was made for.</summary>
    public int? MaxModelLen { get; init; }

    /// <summary>Most sequences that run at the same time.</summary>
    public int MaxNumSeqs { get; init; } = 64;

    /// <summary>Most tokens that one step of the engine processes; longer prompts are prefilled in chunks.</summary>
    public int MaxNumBatchedTokens { get; init; } = 512;

    /// <summary>Most different adapters in one step; the others take turns, and the base is not counted.</summary>
    public int MaxLoras { get; init; } = 16;

    /// <summary>Whether computed prefixes are reused.</summary>
    public bool EnablePrefixCaching { get; init; } = true;

    /// <summary>Highest rank that an adapter may have.</summary>
    public int MaxLoraRank { get; init; } = 256;

    /// <summary>Memory for keys and values in MiB, fixed for the life of the server.</summary>
    public int KvCacheMemory { get; init; } = 1024;

    /// <summary>
    /// Most memory for adapters, in bytes. Never exceeded: unused adapters make room, and a request without room waits. 0: no adapter is
    /// served.
    /// </summary>
    public long AdapterCacheBytes { get; init; } = 1L << 30;

    /// <summary>
    /// Most bytes of merged weights; 0: none. Null: enough for one adapter on all linear modules, at most a quarter of the memory.
    /// </summary>
    public long? MergedBytes { get; init; }

    /// <summary>Most adapters that have a label of their own in metrics; all others share one.</summary>
    public int MaxAdapterLabels { get; init; } = 100;

    /// <summary>Training's share of the time while requests wait, from 0 to 1; it has all of it while none does.</summary>
    public double TrainingShare { get; init; } = 0.2;

    /// <summary>
    /// Most memory in MiB that a training or an evaluation may take beside the base; null: a quarter of the memory that the process may use.
    /// </summary>
    public int? TrainingMemory { get; init; }

    /// <summary>Limits of an uploaded adapter.</summary>
    public AdapterLimits UploadLimits { get; init; } = new();

    /// <summary>Most sequences that wait for their turn before new ones are refused with 429.</summary>
    public int MaxQueuedSeqs { get; init; } = 1024;
}
