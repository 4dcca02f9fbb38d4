using LoraServe.Engine.Generation;

namespace LoraServe.Benchmarks.Training;

/// <summary>What is measured of serving while training.</summary>
/// <param name="Engine">The engine.</param>
/// <param name="Streams">Requests that are answered all the time.</param>
/// <param name="Length">Tokens of an example.</param>
/// <param name="Batch">Examples of a step.</param>
/// <param name="MicroBatchTokens">Most tokens of a pass.</param>
/// <param name="Duration">Of each of the measurements.</param>
internal sealed record ServingOptions(EngineOptions Engine, int Streams, int Length, int Batch, int MicroBatchTokens, TimeSpan Duration);
