namespace LoraServe.Engine.Sequences;

/// <summary>A step of the engine that included this sequence failed. Other sequences continue.</summary>
public sealed class GenerationFailedException(string message, Exception inner) : Exception(message, inner);
