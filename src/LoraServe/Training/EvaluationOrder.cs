using LoraServe.Api.Evaluations;

namespace LoraServe.Training;

/// <summary>An evaluation's request as stored.</summary>
internal sealed record EvaluationOrder
{
    /// <summary>The request.</summary>
    public required EvaluationRequest Request { get; init; }

    /// <summary>The owner's name of the file, for messages.</summary>
    public required string FileName { get; init; }

    /// <summary>Where the file is in the folder of its job.</summary>
    public static string Data(string folder) => Path.Combine(folder, "data.jsonl");
}

/// <summary>An evaluation's state as stored.</summary>
internal sealed record EvaluationState
{
    /// <summary>One per finished adapter.</summary>
    public IReadOnlyList<EvaluationResult> Results { get; init; } = [];
}
