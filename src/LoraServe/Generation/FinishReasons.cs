using LoraServe.Engine.Sequences;

namespace LoraServe.Generation;

/// <summary>How the API calls the ends of choices.</summary>
internal static class FinishReasons
{
    /// <summary>stop or length.</summary>
    public static string Name(this FinishReason reason) => reason == FinishReason.Stop ? "stop" : "length";
}
