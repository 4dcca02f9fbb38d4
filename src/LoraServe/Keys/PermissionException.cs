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
/// <param name="retryAfter">When there will be something left.</param>
internal sealed class QuotaExceededException(string message, TimeSpan retryAfter) : Exception(message)
{
    /// <summary>The time until it may be tried again.</summary>
    public TimeSpan RetryAfter { get; } = retryAfter;
}
