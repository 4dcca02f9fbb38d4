namespace LoraServe.Keys;

/// <summary>How much a key may use; null for no limit.</summary>
internal sealed record KeyLimits
{
    public static readonly KeyLimits None = new();

    /// <summary>Requests within any minute.</summary>
    public int? RequestsPerMinute { get; init; }

    /// <summary>Tokens read and written within any minute.</summary>
    public int? TokensPerMinute { get; init; }

    /// <summary>Concurrent requests, and concurrent sequences of all of them; null leaves a quarter of the queue to other keys.</summary>
    public int? ConcurrentRequests { get; init; }

    /// <summary>Names of adapters that exist because the key uploaded or saved something under them.</summary>
    public int? Adapters { get; init; }

    /// <summary>Bytes of tensors in all versions that the key uploaded and that a name still has.</summary>
    public long? AdapterBytes { get; init; }

    /// <summary>Bytes of files that the key uploaded, or its jobs made, and that are still there.</summary>
    public long? FileBytes { get; init; }

    /// <summary>Trainings, evaluations and rank studies of the key that are kept, whether they have ended or not.</summary>
    public int? Jobs { get; init; }

    /// <summary>For a person.</summary>
    public override string ToString()
    {
        var limits = new (long? Limit, string Of)[]
        {
            (RequestsPerMinute, "requests/min"), (TokensPerMinute, "tokens/min"), (ConcurrentRequests, "at a time"), (Adapters, "adapters"),
            (AdapterBytes, "bytes"), (FileBytes, "bytes of files"), (Jobs, "jobs"),
        };
        return string.Join(", ", limits.Where(limit => limit.Limit is not null).Select(limit => $"{limit.Limit} {limit.Of}"));
    }
}
