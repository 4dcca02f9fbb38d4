using LoraServe.Engine.Sampling;

namespace LoraServe.Engine.Generation;

/// <summary>The base model as clients may know it.</summary>
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
    /// Sampling where a request says nothing: OpenAI's defaults, overridden by the checkpoint's generation_config.json.
    /// </summary>
    public required SamplingParams DefaultSampling { get; init; }

    /// <summary>
    /// SHA-256 over the weights as the checkpoint stores them, lower-case hexadecimal: it identifies the base, whatever dtype it is loaded in.
    /// </summary>
    public required string Fingerprint { get; init; }

    /// <summary>SHA-256 over the weights in memory just after loading, in <see cref="Dtype"/>, lower-case hexadecimal.</summary>
    public required string Checksum { get; init; }

    /// <summary>When it was loaded.</summary>
    public DateTimeOffset Loaded { get; init; } = DateTimeOffset.UtcNow;
}
