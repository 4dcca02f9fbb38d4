namespace LoraServe.Engine.Adapters.Residency;

/// <summary>There is no memory for the adapter now; other adapters use it.</summary>
public sealed class AdapterCacheFullException(string message) : Exception(message);

/// <summary>The adapter needs more memory than this server has for all adapters together, so waiting does not help.</summary>
public sealed class AdapterTooLargeException(string message) : Exception(message);
