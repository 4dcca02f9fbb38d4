using LoraServe.Text.Faults;

namespace LoraServe.Api;

/// <summary>How every error is answered.</summary>
/// <param name="Error">What went wrong.</param>
public sealed record ErrorResponse(ApiError Error);

/// <summary>What went wrong.</summary>
public sealed record ApiError
{
    // Six bytes a character at worst: the answer stays below 64 KB.
    private const int MostOfMessage = 9000;

    /// <summary>For a person: what was expected, what was found, as many faults at once as are read.</summary>
    /// <example>max_tokens: expected a whole number from 0 to 2147483647, found -1</example>
    public required string Message { get; init => field = FaultText.Cut(value, MostOfMessage); }

    /// <summary>The kind of error: invalid_request_error, permission_error, rate_limit_error or server_error.</summary>
    /// <example>invalid_request_error</example>
    public required string Type { get; init; }

    /// <summary>The field of the request at fault, the first if there are several; null if there is none.</summary>
    /// <example>max_tokens</example>
    public required string? Param { get; init => field = value is null ? null : FaultText.Limit(value); }

    /// <summary>The error for a program, such as context_length_exceeded or model_not_found; null if the type says all.</summary>
    /// <example>invalid_value</example>
    public required string? Code { get; init; }
}
