namespace LoraServe.Engine.Peft;

/// <summary>The role of a tensor in an adapter file.</summary>
internal enum PeftRole
{
    /// <summary>A [r, in].</summary>
    LoraA,

    /// <summary>B [out, r].</summary>
    LoraB,

    /// <summary>A bias on lora_B [out].</summary>
    LoraBias,

    /// <summary>A [r, vocabulary] of the embedding.</summary>
    EmbeddingA,

    /// <summary>B [hidden, r] of the embedding.</summary>
    EmbeddingB,

    /// <summary>DoRA's m [out].</summary>
    Magnitude,

    /// <summary>Rows of trained tokens [tokens, hidden]: the rows themselves, although PEFT's name for them suggests a difference.</summary>
    TokenRows,

    /// <summary>A weight under a module's own name: the module was saved whole.</summary>
    Weight,

    /// <summary>A bias under a module's own name: trained, or of a module that was saved whole.</summary>
    Bias,

    /// <summary>A copy of the frozen weight, which PEFT adds when the output head or the embedding is adapted.</summary>
    BaseWeight,

    /// <summary>The bias of an adapted module's frozen part: trained, or a copy.</summary>
    BaseBias,

    Mlx,
    Kohya,
    Gguf,
    Unknown,
}
