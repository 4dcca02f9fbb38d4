using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Models;
using LoraServe.Engine.Models.Cpu;
using TorchSharp;

namespace LoraServe.Engine.Generation;

/// <summary>Which decoder computes: our kernels on the CPU, libtorch elsewhere.</summary>
internal static class DecoderChoice
{
    /// <summary>The decoder for the device of the weights.</summary>
    /// <param name="config">The shape of the model.</param>
    /// <param name="weights">The decoder's from now on.</param>
    /// <param name="blocks">Blocks of the KV cache.</param>
    /// <param name="blockSize">Tokens of a block.</param>
    /// <param name="maxModelLen">Positions.</param>
    /// <param name="threads">Threads on the CPU, the calling one included.</param>
    public static BaseModel Create(ModelConfig config, BaseWeights weights, int blocks, int blockSize, int maxModelLen, int threads) =>
        weights.Device.type == DeviceType.CPU
            ? new CpuDecoder(config, weights, blocks, blockSize, maxModelLen, threads)
            : TorchDecoder.Create(config, weights, blocks * blockSize, maxModelLen);
}
