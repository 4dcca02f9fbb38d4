using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Kernels;

namespace LoraServe.Engine.Models.Cpu;

/// <summary>Cosines and sines of rotary position embeddings for all positions, half a head each, in float32.</summary>
internal sealed unsafe class RotaryTable : IDisposable
{
    private readonly int _half;
    private readonly AlignedMemory _cosine;
    private readonly AlignedMemory _sine;

    /// <param name="config">The shape of the model.</param>
    /// <param name="maxModelLen">Positions.</param>
    public RotaryTable(ModelConfig config, int maxModelLen)
    {
        _half = config.HeadDim / 2;
        var bytes = (long)maxModelLen * _half * sizeof(float);
        (_cosine, _sine) = (new AlignedMemory(bytes), new AlignedMemory(bytes));
        var frequencies = RotaryFrequencies.Compute(config.Rotary, config.HeadDim, config.MaxPositionEmbeddings, maxModelLen);
        var factor = (float)config.Rotary.AttentionFactor;
        for (var position = 0; position < maxModelLen; position++)
        {
            for (var i = 0; i < _half; i++)
            {
                var (sine, cosine) = MathF.SinCos(position * (float)frequencies[i]);
                (Cosine(position)[i], Sine(position)[i]) = (cosine * factor, sine * factor);
            }
        }
    }

    /// <summary>[headDim / 2] of a position.</summary>
    public float* Cosine(int position) => _cosine.Numbers + ((long)position * _half);

    /// <summary>[headDim / 2] of a position.</summary>
    public float* Sine(int position) => _sine.Numbers + ((long)position * _half);

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        _cosine.Dispose();
        _sine.Dispose();
    }
}
