using LoraServe.Text.Faults;

namespace LoraServe.Api.Requests;

/// <summary>What is wrong with a request. Reading it ends by an <see cref="InvalidRequestException"/> as soon as there is enough.</summary>
internal sealed class RequestFaults() : FaultList<RequestFault>(faults => new InvalidRequestException(faults));
