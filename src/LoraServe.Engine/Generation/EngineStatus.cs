namespace LoraServe.Engine.Generation;

/// <summary>A snapshot of the engine, replaced whole after each step.</summary>
/// <param name="Running">Sequences that hold KV blocks.</param>
/// <param name="Waiting">Sequences that wait for admission.</param>
/// <param name="KvBlocksUsed">Blocks of the KV cache that sequences hold.</param>
/// <param name="KvBlocks">All blocks of the KV cache.</param>
public sealed record EngineStatus(int Running, int Waiting, int KvBlocksUsed, int KvBlocks);
