namespace LoraServe.Hosting;

/// <summary>One thing wrong with a request.</summary>
/// <param name="Param">The field at fault, or null when it is the body as a whole.</param>
/// <param name="Message">What was expected and what was found.</param>
/// <param name="Code">A name for programs.</param>
internal sealed record RequestFault(string? Param, string Message, string Code = "invalid_value");

/// <summary>A request was refused; the message lists every fault.</summary>
internal sealed class InvalidRequestException(IReadOnlyList<RequestFault> faults)
    : Exception(string.Join("; ", faults.Select(fault => fault.Param is null ? fault.Message : $"{fault.Param}: {fault.Message}")))
{
    public InvalidRequestException(string? param, string message, string code = "invalid_value")
        : this([new RequestFault(param, message, code)])
    {
    }

    /// <summary>At least one.</summary>
    public IReadOnlyList<RequestFault> Faults { get; } = faults;
}
