namespace LoraServe.Engine.Sequences;

/// <summary>
/// The flow to which fair scheduling assigns a sequence: one for each owner and adapter. All mixes spelled out in an owner's requests
/// belong to one flow, since their number is unlimited.
/// </summary>
/// <param name="Owner">Opaque: <see cref="GenerationRequest.Owner"/>.</param>
/// <param name="Adapter">An adapter version, or the common key of all mixes.</param>
internal readonly record struct FlowKey(string Owner, string Adapter)
{
    private const string Mixes = "mixes";

    /// <summary>The flow of a request.</summary>
    public static FlowKey Of(GenerationRequest request) =>
        new(request.Owner, request.Adapter.IsSpelledOut ? Mixes : request.Adapter.Version.Value);
}
