using System.Text.Json;

namespace LoraServe.Api.Requests.Fields;

/// <summary>What a field means that is no field of this server's own but one that clients of other servers send.</summary>
/// <param name="Name">The field; with the part that holds it, as in stream_options.include_obfuscation.</param>
internal abstract record FieldRule(string Name);

/// <summary>Another name of a field that the request has.</summary>
/// <param name="Name">As other servers call it.</param>
/// <param name="Of">As this one does.</param>
internal sealed record OtherName(string Name, string Of) : FieldRule(Name);

/// <summary>A field that cannot change the answer, whatever it says, and is passed over.</summary>
/// <param name="Name">The field.</param>
/// <param name="Why">What it is for.</param>
internal sealed record Harmless(string Name, string Why) : FieldRule(Name);

/// <summary>A field that asks for what this server does not have: refused, except where it asks for nothing.</summary>
/// <param name="Name">The field.</param>
/// <param name="Advice">What to do in its place; empty where there is nothing.</param>
/// <param name="Neutral">JSON of the values that ask for nothing; null always does.</param>
internal sealed record Unsupported(string Name, string Advice, params string[] Neutral) : FieldRule(Name)
{
    private readonly JsonElement[] _neutral = [.. Neutral.Select(json => JsonSerializer.Deserialize<JsonElement>(json))];

    /// <summary>Whether a value asks for nothing: clients that send every field they know send its neutral value.</summary>
    public bool IsNeutral(JsonElement value) => Array.Exists(_neutral, neutral => JsonElement.DeepEquals(neutral, value));
}
