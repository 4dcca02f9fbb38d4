using LoraServe.Text.Faults;

namespace LoraServe.Api.Requests;

/// <summary>One thing wrong with a request, in as many characters as a person reads.</summary>
/// <param name="param">The field at fault, or null when it is the body as a whole.</param>
/// <param name="message">What was expected and what was found.</param>
/// <param name="code">A name for programs.</param>
internal sealed class RequestFault(string? param, string message, string code = "invalid_value")
{
    /// <summary>The field at fault, cut if a client made it long, or null when it is the body as a whole.</summary>
    public string? Param { get; } = param is null ? null : FaultText.Limit(param);

    /// <summary>What was expected and what was found.</summary>
    public string Message { get; } = FaultText.Limit(message);

    /// <summary>A name for programs.</summary>
    public string Code { get; } = code;

    /// <summary>The sentence for a person.</summary>
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
