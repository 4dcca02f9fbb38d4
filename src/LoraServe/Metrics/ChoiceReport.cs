using LoraServe.Engine.Sequences;
using LoraServe.Generation;

namespace LoraServe.Metrics;

/// <summary>How one choice of a request went.</summary>
/// <param name="Index">Its place in the answer.</param>
/// <param name="Choice">The choice.</param>
/// <param name="Column">What it ran on.</param>
/// <param name="Outcome">Why it ended, in vLLM's words: stop, length, abort (the client disconnected) or error.</param>
/// <param name="Times">Its times in the engine; a choice ended by a stop string ends now.</param>
/// <param name="Delay">From the arrival of the request to the submission of the sequence.</param>
internal sealed record ChoiceReport(
    int Index, ChoiceStream Choice, GenerationColumn Column, string Outcome, SequenceTimes Times, TimeSpan Delay)
{
    /// <summary>From the arrival of the request to its first token; null if there is none.</summary>
    public TimeSpan? TimeToFirstToken => Delay + Times.FirstToken;

    /// <summary>From the arrival of the request to the end of the choice.</summary>
    public TimeSpan Total => Delay + Times.Ended!.Value;

    /// <summary>Time per output token after the first; null if there is none.</summary>
    public TimeSpan? TimePerOutputToken => Choice.GeneratedTokens > 1 ? Times.Decode / (Choice.GeneratedTokens - 1) : null;
}
