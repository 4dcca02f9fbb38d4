namespace LoraServe.Engine.Sequences;

/// <summary>
/// In which share of the engine a sequence counts: its owner's on its adapter. All mixes that an owner's requests spell out have one share
/// together, since there is no end of ways to spell one.
/// </summary>
/// <param name="Owner">Opaque: <see cref="GenerationRequest.Owner"/>.</param>
/// <param name="Adapter">A version, or a placeholder for all mixes.</param>
internal readonly record struct FlowKey(string Owner, string Adapter)
{
    private const string Sums = "sums";

    /// <summary>The share of a request.</summary>
    public static FlowKey Of(GenerationRequest request) =>
        new(request.Owner, request.Adapter.IsSpelledOut ? Sums : request.Adapter.Version);
}
