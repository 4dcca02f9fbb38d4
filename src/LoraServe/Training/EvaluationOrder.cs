using LoraServe.Api.Evaluations;

namespace LoraServe.Training;

/// <summary>An evaluation as it is stored.</summary>
internal sealed record EvaluationOrder
{
    /// <summary>What was asked for.</summary>
    public required EvaluationRequest Request { get; init; }

    /// <summary>What the owner calls the file, for messages.</summary>
    public required string FileName { get; init; }

    /// <summary>Where the file is in the folder of its job.</summary>
    public static string Data(string folder) => Path.Combine(folder, "data.jsonl");
}

/// <summary>What is known of an evaluation, as it is stored.</summary>
internal sealed record EvaluationState
{
    /// <summary>One for each adapter that is done.</summary>
    public IReadOnlyList<EvaluationResult> Results { get; init; } = [];
}
