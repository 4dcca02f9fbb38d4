using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Lora;

/// <summary>Matrices that a seed decides.</summary>
internal static class RandomMatrix
{
    /// <summary>[rows, columns], float32, standard normal.</summary>
    public static Tensor Of(long rows, long columns, int seed) => randn([rows, columns], generator: new Generator((ulong)(uint)seed));
}
