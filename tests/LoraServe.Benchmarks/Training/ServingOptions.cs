using LoraServe.Engine.Generation;

namespace LoraServe.Benchmarks.Training;

/// <summary>Options of the benchmark of serving while training.</summary>
/// <param name="Engine">The engine's options.</param>
/// <param name="Streams">Concurrent requests.</param>
/// <param name="Length">Tokens of an example.</param>
/// <param name="Batch">Examples of a step.</param>
/// <param name="MicroBatchTokens">Maximum tokens of a pass.</param>
/// <param name="Duration">Of each measurement.</param>
internal sealed record ServingOptions(EngineOptions Engine, int Streams, int Length, int Batch, int MicroBatchTokens, TimeSpan Duration);
