using LoraServe.Engine.Sequences;

namespace LoraServe.Generation;

/// <summary>The API's names of finish reasons.</summary>
internal static class FinishReasons
{
    /// <summary>stop or length.</summary>
    public static string Name(this FinishReason reason) => reason == FinishReason.Stop ? "stop" : "length";
}
