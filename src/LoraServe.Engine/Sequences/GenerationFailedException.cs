namespace LoraServe.Engine.Sequences;

/// <summary>A step of the engine failed while this sequence was part of it. Other sequences continue.</summary>
public sealed class GenerationFailedException(string message, Exception inner) : Exception(message, inner);
