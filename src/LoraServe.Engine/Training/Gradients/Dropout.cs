using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Gradients;

/// <summary>
/// Dropout of the modules' inputs in one pass (Srivastava et al. 2014). The masks are a function of the seed, so that none is
/// kept for the backward pass.
/// </summary>
/// <param name="probability">Of dropping an input, from 0 to below 1, rounded to a multiple of 2^-16.</param>
/// <param name="seed">The same seed drops the same.</param>
internal sealed class Dropout(double probability, long seed)
{
    private const int BitsOfOne = 16;

    private readonly uint _threshold = (uint)Math.Min(Math.Round(probability * (1 << BitsOfOne)), (1 << BitsOfOne) - 1);

    /// <summary>0 where an input is dropped, else 1 / (1 - probability), of the shape, dtype and device of x, in the current dispose scope.</summary>
    /// <param name="module">Number of the module; each has its own mask.</param>
    /// <param name="x">[tokens, in].</param>
    public Tensor Mask(int module, Tensor x)
    {
        var random = new CounterRandom(seed, module);
        var kept = (float)(1 / (1 - probability));
        using var mask = empty(x.shape, ScalarType.Float32);
        var values = MemoryMarshal.Cast<byte, float>(mask.bytes);
        for (var i = 0; i < values.Length;)
        {
            var bits = random.Bits(i);
            for (var end = Math.Min(i + 4, values.Length); i < end; i++, bits >>= BitsOfOne)
                values[i] = (bits & 0xFFFF) < _threshold ? 0 : kept;
        }

        return mask.to(x.dtype, x.device, copy: true);
    }

    /// <summary>The same for another part of the tokens.</summary>
    public Dropout Part(int number) => new(probability, seed + (number * 7919L));
}
