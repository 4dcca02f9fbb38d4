namespace LoraServe.Keys;

/// <summary>The caller may not do this; the message says why.</summary>
/// <param name="message">For a person.</param>
/// <param name="code">For a program.</param>
internal sealed class PermissionException(string message, string code) : Exception(message)
{
    /// <summary>The refusal for a program.</summary>
    public string Code { get; } = code;
}

/// <summary>The caller has used up what its key allows for now.</summary>
/// <param name="message">Which limit.</param>
/// <param name="retryAfter">The time until something is left again.</param>
/// <param name="limit">What metrics call the limit: requests, concurrent_requests or tokens.</param>
internal sealed class QuotaExceededException(string message, TimeSpan retryAfter, string limit) : Exception(message)
{
    /// <summary>What metrics call the limit.</summary>
    public string Limit { get; } = limit;

    /// <summary>The time until a retry makes sense.</summary>
    public TimeSpan RetryAfter { get; } = retryAfter;
}
