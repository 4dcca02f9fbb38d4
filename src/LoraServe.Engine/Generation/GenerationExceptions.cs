namespace LoraServe.Engine.Generation;

/// <summary>The queue of waiting requests is full, or the engine is shutting down: try again later.</summary>
public sealed class EngineOverloadedException(string message) : Exception(message);

/// <summary>A prompt, or a prompt with its maximum number of tokens, can never fit into the context or the KV cache.</summary>
public sealed class ContextLengthExceededException(string message) : Exception(message);
