using LoraServe.Text.Faults;

namespace LoraServe.Api.Requests;

/// <summary>Faults of a request. Reading ends with an <see cref="InvalidRequestException"/> as soon as there are enough.</summary>
internal sealed class RequestFaults() : FaultList<RequestFault>(faults => new InvalidRequestException(faults));
