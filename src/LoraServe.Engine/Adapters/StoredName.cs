namespace LoraServe.Engine.Adapters;

/// <summary>A name and the version it points at.</summary>
/// <param name="Name">Follows <see cref="AdapterName"/>.</param>
/// <param name="Version">SHA-256, lower-case hexadecimal.</param>
/// <param name="Created">When the name was given to this version.</param>
internal sealed record StoredName(string Name, string Version, DateTimeOffset Created);
