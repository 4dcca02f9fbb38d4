using System.Text.Json.Serialization;

namespace LoraServe.Engine.Adapters.Catalog;

/// <summary>One adapter of a mix.</summary>
/// <param name="Name">An adapter or a saved mix, or a version of an adapter as name@version with the beginning of the version.</param>
/// <param name="Coefficient">The factor of its update; may be negative.</param>
public sealed record AdapterPart(string Name, [property: JsonPropertyName("weight")] double Coefficient)
{
    /// <summary>The name without a version.</summary>
    public string Alias => Name.Split('@')[0];

    /// <summary>The prefix of the version; null if none was given.</summary>
    internal string? VersionPrefix => Name.Contains('@') ? Name.Split('@', 2)[1] : null;

    /// <summary>As a request writes it: name, or name:coefficient.</summary>
    public override string ToString() => Coefficient == 1 ? Name : $"{Name}:{Coefficient:R}";
}
