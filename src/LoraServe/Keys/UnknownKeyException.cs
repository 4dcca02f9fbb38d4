namespace LoraServe.Keys;

/// <summary>No key has this id.</summary>
internal sealed class UnknownKeyException(string id) : Exception($"The API key '{id}' does not exist.");
