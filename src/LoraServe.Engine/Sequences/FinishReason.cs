namespace LoraServe.Engine.Sequences;

/// <summary>Why a sequence ended.</summary>
public enum FinishReason
{
    /// <summary>An end-of-sequence or stop token was generated, or a stop string was found.</summary>
    Stop,

    /// <summary>The maximum number of tokens, or the end of the context, was reached.</summary>
    Length,
}
