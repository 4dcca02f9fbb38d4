namespace LoraServe.Engine.Adapters.Effects;

/// <summary>How far training moved a part other than a low-rank update.</summary>
/// <param name="Path">The module.</param>
/// <param name="Part">
/// "bias" (a trained bias of the base), "lora_bias" (the scaled bias of lora_B), "magnitude" (DoRA's, against the norms of the rows of the
/// frozen weight), "weight" (of a module that was saved whole) or "tokens" (the rows of trained tokens).
/// </param>
/// <param name="Norm">The Frobenius norm of its difference from the base's own.</param>
/// <param name="BaseNorm">The norm of the base's own; 0 where the base has no such part.</param>
/// <param name="RelativeNorm">Their ratio; null if the base's own is zero.</param>
public sealed record PartEffect(string Path, string Part, double Norm, double BaseNorm, double? RelativeNorm);
