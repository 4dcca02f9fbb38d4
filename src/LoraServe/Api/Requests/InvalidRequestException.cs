using LoraServe.Text.Faults;

namespace LoraServe.Api.Requests;

/// <summary>One fault of a request, shortened to what a person reads.</summary>
/// <param name="param">The invalid field, or null for the body as a whole.</param>
/// <param name="message">What was expected and what was found.</param>
/// <param name="code">An error code for programs.</param>
internal sealed class RequestFault(string? param, string message, string code = "invalid_value")
{
    /// <summary>The invalid field, shortened if long, or null for the body as a whole.</summary>
    public string? Param { get; } = param is null ? null : FaultText.Limit(param);

    /// <summary>What was expected and what was found.</summary>
    public string Message { get; } = FaultText.Limit(message);

    /// <summary>An error code for programs.</summary>
    public string Code { get; } = code;

    /// <summary>The message for people.</summary>
    public override string ToString() => Param is null ? Message : $"{Param}: {Message}";
}

/// <summary>A request was refused; the message lists the faults.</summary>
internal sealed class InvalidRequestException(IReadOnlyList<RequestFault> faults)
    : Exception(FaultText.Join([.. faults.Select(fault => fault.ToString())]))
{
    public InvalidRequestException(string? param, string message, string code = "invalid_value")
        : this([new RequestFault(param, message, code)])
    {
    }

    /// <summary>At least one.</summary>
    public IReadOnlyList<RequestFault> Faults { get; } = faults;
}
