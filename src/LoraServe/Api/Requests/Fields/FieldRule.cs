using System.Text.Json;

namespace LoraServe.Api.Requests.Fields;

/// <summary>The meaning of a field that clients of other servers send and that is not one of this server's own.</summary>
/// <param name="Name">The field; with the part that holds it, as in stream_options.include_obfuscation.</param>
internal abstract record FieldRule(string Name);

/// <summary>Another name of a field that the request has.</summary>
/// <param name="Name">As other servers call it.</param>
/// <param name="Of">As this one does.</param>
internal sealed record OtherName(string Name, string Of) : FieldRule(Name);

/// <summary>A field that cannot change the answer and is ignored.</summary>
/// <param name="Name">The field.</param>
/// <param name="Why">What it is for.</param>
internal sealed record Harmless(string Name, string Why) : FieldRule(Name);

/// <summary>A field that asks for an unsupported feature: refused unless its value is neutral.</summary>
/// <param name="Name">The field.</param>
/// <param name="Advice">An alternative; empty if there is none.</param>
/// <param name="Neutral">JSON of neutral values; null always is.</param>
internal sealed record Unsupported(string Name, string Advice, params string[] Neutral) : FieldRule(Name)
{
    private readonly JsonElement[] _neutral = [.. Neutral.Select(json => JsonSerializer.Deserialize<JsonElement>(json))];

    /// <summary>Whether a value is neutral: some clients send every field they know with such values.</summary>
    public bool IsNeutral(JsonElement value) => Array.Exists(_neutral, neutral => JsonElement.DeepEquals(neutral, value));
}
