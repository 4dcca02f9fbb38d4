using LoraServe.Engine.Sampling;

namespace LoraServe.Engine.Generation;

/// <summary>What the outside may know of the base model.</summary>
public sealed record ModelInfo
{
    /// <summary>The name under which it is served.</summary>
    public required string Name { get; init; }

    /// <summary>float32 or bfloat16.</summary>
    public required string Dtype { get; init; }

    /// <summary>Number of weights.</summary>
    public required long Parameters { get; init; }

    /// <summary>Rows of the output head; token ids are below it.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Most tokens of a prompt and its continuation together.</summary>
    public required int MaxModelLen { get; init; }

    /// <summary>
    /// How to sample where a request says nothing: OpenAI's defaults, changed by what the checkpoint's generation_config.json recommends.
    /// </summary>
    public required SamplingParams DefaultSampling { get; init; }

    /// <summary>
    /// SHA-256 over the weights as the checkpoint stores them, lower-case hexadecimal: which base this is, whatever the dtype that it is loaded
    /// in.
    /// </summary>
    public required string Fingerprint { get; init; }

    /// <summary>SHA-256 over the weights as they lay in memory when they were loaded, in <see cref="Dtype"/>, lower-case hexadecimal.</summary>
    public required string Checksum { get; init; }
}
