using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using LoraServe.Audit;
using LoraServe.Keys;

namespace LoraServe.Api.Keys;

/// <summary>A key as the API shows it.</summary>
public sealed record KeyResource
{
    /// <summary>Its public id, a part of its text.</summary>
    /// <example>3f9a1c2b7d4e</example>
    public required string Id { get; init; }

    /// <summary>Always api_key.</summary>
    /// <example>api_key</example>
    public string Object { get; init; } = "api_key";

    /// <summary>Its text, only in the answer to its creation: it is stored nowhere.</summary>
    /// <example>ls-3f9a1c2b7d4e-Zm9yIGV4YW1wbGUgb25seSwgbmV2ZXIgdXNlIHRoaXM</example>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Key { get; init; }

    /// <summary>A name for people.</summary>
    /// <example>support team</example>
    public required string Name { get; init; }

    /// <summary>What it may do.</summary>
    /// <example>["infer", "adapters:read"]</example>
    public required IReadOnlyList<KeyScope> Scopes { get; init; }

    /// <summary>The adapters that exist for it.</summary>
    /// <example>["support-*"]</example>
    public required IReadOnlyList<string> Adapters { get; init; }

    /// <summary>Whether it may generate on the bare base model.</summary>
    /// <example>true</example>
    public required bool Base { get; init; }

    /// <summary>Most requests within any minute; null: any number.</summary>
    /// <example>60</example>
    public required int? RequestsPerMinute { get; init; }

    /// <summary>Most tokens, read and written, within any minute; null: any number.</summary>
    /// <example>100000</example>
    public required int? TokensPerMinute { get; init; }

    /// <summary>
    /// Most requests at the same time, and most choices (prompts times n) of all of them together; null: three quarters of --max-queued-seqs,
    /// or --max-num-seqs if that is more.
    /// </summary>
    /// <example>8</example>
    public required int? ConcurrentRequests { get; init; }

    /// <summary>Most adapters that exist because it uploaded or saved them; null: any number.</summary>
    /// <example>10</example>
    public required int? MaxAdapters { get; init; }

    /// <summary>Most bytes of all versions that it uploaded and that are still stored; null: any number.</summary>
    /// <example>1073741824</example>
    public required long? MaxAdapterBytes { get; init; }

    /// <summary>Most bytes of files that it uploaded, or its jobs made, and that are still there; null: any number.</summary>
    /// <example>1073741824</example>
    public required long? MaxFileBytes { get; init; }

    /// <summary>Most trainings, evaluations and rank studies of it that are kept; null: any number.</summary>
    /// <example>100</example>
    public required int? MaxJobs { get; init; }

    /// <summary>When it was made, in seconds since 1970.</summary>
    /// <example>1767225600</example>
    public required long Created { get; init; }

    /// <summary>When a request came with it last, in seconds since 1970; null if none has.</summary>
    /// <example>1767225600</example>
    public required long? LastUse { get; init; }

    /// <summary>From when on it is refused, in seconds since 1970; null: never.</summary>
    /// <example>1769817600</example>
    public required long? Expires { get; init; }

    /// <summary>When it was revoked, in seconds since 1970; null if it was not.</summary>
    /// <example>null</example>
    public required long? Revoked { get; init; }

    internal static KeyResource From(ApiKey key, string? text = null) => new()
    {
        Id = key.Id,
        Key = text,
        Name = key.Grant.Name,
        Scopes = [.. key.Grant.Scopes.Order()],
        Adapters = [.. key.Grant.Adapters.Select(pattern => pattern.Text)],
        Base = key.Grant.AllowsBase,
        RequestsPerMinute = key.Grant.Limits.RequestsPerMinute,
        TokensPerMinute = key.Grant.Limits.TokensPerMinute,
        ConcurrentRequests = key.Grant.Limits.ConcurrentRequests,
        MaxAdapters = key.Grant.Limits.Adapters,
        MaxAdapterBytes = key.Grant.Limits.AdapterBytes,
        MaxFileBytes = key.Grant.Limits.FileBytes,
        MaxJobs = key.Grant.Limits.Jobs,
        Created = key.Created.ToUnixTimeSeconds(),
        LastUse = key.LastUse?.ToUnixTimeSeconds(),
        Expires = key.Grant.Expires?.ToUnixTimeSeconds(),
        Revoked = key.Revoked?.ToUnixTimeSeconds(),
    };

    /// <summary>All that a key may do and use, as the audit log keeps it.</summary>
    internal static JsonObject DescribeGrant(ApiKey key)
    {
        var details = AuditLog.Details(From(key));
        foreach (var field in (string[])["id", "object", "created"]) details.Remove(field);
        return details;
    }
}

/// <summary>All keys, the newest first.</summary>
public sealed record KeyList
{
    /// <summary>Always list.</summary>
    /// <example>list</example>
    public string Object { get; init; } = "list";

    /// <summary>The keys.</summary>
    public required IReadOnlyList<KeyResource> Data { get; init; }

    /// <summary>Whether there are older ones: ask again with after = the last id.</summary>
    /// <example>false</example>
    public required bool HasMore { get; init; }
}
