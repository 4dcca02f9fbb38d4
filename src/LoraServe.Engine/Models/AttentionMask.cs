using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>Masks that limit which positions of a sequence its new tokens attend to.</summary>
internal static class AttentionMask
{
    /// <summary>The number of elements of a mask; may exceed the largest array.</summary>
    public static long Elements(int queries, int context, int group) => (long)queries * context * group;

    /// <summary>
    /// An additive mask [group * queries, context] of 0 and -infinity for the last <paramref name="queries"/> positions of a context,
    /// repeated for each query head of a group, or null if every token sees everything, as a single new token does under full attention.
    /// </summary>
    /// <param name="queries">Number of new tokens.</param>
    /// <param name="context">Number of tokens up to the last new one.</param>
    /// <param name="window">How many positions back a token sees, itself included; null sees all.</param>
    /// <param name="group">Query heads for each key head.</param>
    /// <param name="dtype">The compute dtype.</param>
    /// <param name="device">The device of the queries.</param>
    public static Tensor? Create(int queries, int context, int? window, int group, ScalarType dtype, Device device)
    {
        if (queries == 1 && (window is null || context <= window)) return null;

        var rows = new float[checked(queries * context)];
        for (var i = 0; i < queries; i++)
        {
            var position = context - queries + i;
            var first = window is { } w ? Math.Max(position - w + 1, 0) : 0;
            var row = rows.AsSpan(i * context, context);
            row[..first].Fill(float.NegativeInfinity);
            row[(position + 1)..].Fill(float.NegativeInfinity);
        }

        using var wide = tensor(rows, [queries, context], device: device);
        using var once = wide.to(dtype);
        return once.repeat(group, 1);
    }
}
