using System.Text.Json.Serialization;

namespace LoraServe.Keys;

/// <summary>What a key may do.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<KeyScope>))]
public enum KeyScope
{
    /// <summary>Generate, tokenize, and see what a request can name as its model.</summary>
    [JsonStringEnumMemberName("infer")]
    Infer,

    /// <summary>See adapters, their versions and what they do.</summary>
    [JsonStringEnumMemberName("adapters:read")]
    AdaptersRead,

    /// <summary>Upload, change and delete adapters.</summary>
    [JsonStringEnumMemberName("adapters:write")]
    AdaptersWrite,

    /// <summary>Train adapters.</summary>
    [JsonStringEnumMemberName("train")]
    Train,

    /// <summary>Everything, keys and the audit log included.</summary>
    [JsonStringEnumMemberName("admin")]
    Admin,
}
