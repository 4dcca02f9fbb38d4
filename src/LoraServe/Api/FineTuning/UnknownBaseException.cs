namespace LoraServe.Api.FineTuning;

/// <summary>What a training names as its model is not the base that this server trains on.</summary>
internal sealed class UnknownBaseException(string model, string baseModel)
    : Exception($"The model '{Text.Faults.FaultText.Shorten(model)}' cannot be trained: this server trains adapters of '{baseModel}'.");
