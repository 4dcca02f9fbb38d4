namespace LoraServe.Engine.Generation;

/// <summary>A snapshot of the engine, replaced whole when it changes.</summary>
/// <param name="Running">Sequences that hold KV blocks.</param>
/// <param name="Waiting">Sequences that wait for admission or for a merge.</param>
/// <param name="KvBlocksUsed">Blocks of the KV cache that sequences hold.</param>
/// <param name="KvBlocks">All blocks of the KV cache.</param>
public readonly record struct EngineStatus(int Running, int Waiting, int KvBlocksUsed, int KvBlocks)
{
    /// <summary>Sequences that were submitted and are neither running nor waiting yet.</summary>
    public int Arriving { get; init; }

    /// <summary>Sequences that were submitted and do not run yet, which the limit of the queue bounds.</summary>
    public int Queued => Waiting + Arriving;

    /// <summary>The names under which running sequences asked for their adapters, each once; without the base.</summary>
    public IReadOnlyList<string> RunningAdapters { get; init; } = [];

    /// <summary>The same for sequences that wait.</summary>
    public IReadOnlyList<string> WaitingAdapters { get; init; } = [];

    /// <summary>Blocks of the KV cache that no sequence holds and that keep a prefix until they are needed.</summary>
    public int KvBlocksCached { get; init; }

    /// <summary>Tokens of prompts that were looked for in the prefix cache, since the start.</summary>
    public long PrefixCacheQueries { get; init; }

    /// <summary>Tokens of prompts that were found there, since the start.</summary>
    public long PrefixCacheHits { get; init; }

    /// <summary>How often a sequence was preempted for one of an adapter with less than its share, since the start.</summary>
    public long Preemptions { get; init; }

    /// <summary>Sequences that the engine has taken up, since the start.</summary>
    internal long Received { get; init; }
}
