using LoraServe.Api.FineTuning;
using LoraServe.Engine.Training.Results;
using LoraServe.Jobs;
using LoraServe.Training;

namespace LoraServe.Api.Evaluations;

/// <summary>A comparison of adapters on a file.</summary>
public sealed record EvaluationResource
{
    /// <summary>Its id.</summary>
    /// <example>eval-3f9a1c2b7d4e3f9a1c2b7d4e</example>
    public required string Id { get; init; }

    /// <summary>Always evaluation.</summary>
    /// <example>evaluation</example>
    public string Object { get; init; } = Evaluating.Kind;

    /// <summary>When it was asked for, in seconds since 1970.</summary>
    /// <example>1767225600</example>
    public required long CreatedAt { get; init; }

    /// <summary>When it ended, in seconds since 1970; null as long as it has not.</summary>
    /// <example>1767225900</example>
    public required long? FinishedAt { get; init; }

    /// <summary>validating_files, queued, running, succeeded, failed or cancelled.</summary>
    /// <example>succeeded</example>
    public required JobStatus Status { get; init; }

    /// <summary>What is compared.</summary>
    /// <example>["base", "sql"]</example>
    public required IReadOnlyList<string> Adapters { get; init; }

    /// <summary>The file of examples.</summary>
    /// <example>file-3f9a1c2b7d4e3f9a1c2b7d4e</example>
    public required string File { get; init; }

    /// <summary>How many examples are generated.</summary>
    /// <example>100</example>
    public required int Generate { get; init; }

    /// <summary>One for each adapter that is done, in the order of the request.</summary>
    public required IReadOnlyList<EvaluationResult> Results { get; init; }

    /// <summary>Why it failed; null if it did not.</summary>
    public required FineTuningError? Error { get; init; }

    internal static EvaluationResource From(StoredJob job)
    {
        var request = job.RequestAs<EvaluationOrder>().Request;
        return new EvaluationResource
        {
            Id = job.Id,
            CreatedAt = job.Created.ToUnixTimeSeconds(),
            FinishedAt = job.Finished?.ToUnixTimeSeconds(),
            Status = job.Status,
            Adapters = request.Adapters!,
            File = request.File!,
            Generate = request.Generate,
            Results = job.ResultAs<EvaluationState>().Results,
            Error = FineTuningError.From(job.Error),
        };
    }

    internal EvaluationResource WithoutExamples() => this with { Results = [.. Results.Select(result => result with { Examples = [] })] };
}

/// <summary>One adapter on the file.</summary>
public sealed record EvaluationResult
{
    /// <summary>As it was asked for.</summary>
    /// <example>sql</example>
    public required string Adapter { get; init; }

    /// <summary>The version that was evaluated, or base.</summary>
    /// <example>9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08</example>
    public required string Version { get; init; }

    /// <summary>Over all examples.</summary>
    public required FiguresResource Figures { get; init; }

    /// <summary>Time that it took.</summary>
    /// <example>12.5</example>
    public required double Seconds { get; init; }

    /// <summary>The first examples, one by one; empty in lists of evaluations.</summary>
    public required IReadOnlyList<EvaluatedExample> Examples { get; init; }
}

/// <summary>An adapter on one example.</summary>
public sealed record EvaluatedExample
{
    /// <summary>The example's line in the file, from 1.</summary>
    /// <example>7</example>
    public required int Line { get; init; }

    /// <summary>Mean cross-entropy of the tokens of the completion, in nats; null where it is not finite.</summary>
    /// <example>0.021</example>
    public required double? Loss { get; init; }

    /// <summary>The completion in the file.</summary>
    /// <example>SELECT name FROM products WHERE price &lt; 59;</example>
    public required string Expected { get; init; }

    /// <summary>The greedy completion; null where it was not generated.</summary>
    /// <example>SELECT name FROM products WHERE price &lt; 59;</example>
    public required string? Output { get; init; }

    /// <summary>Whether the two are equal; null where it was not generated.</summary>
    /// <example>true</example>
    public required bool? ExactMatch { get; init; }

    internal static EvaluatedExample From(ExampleResult example) => new()
    {
        Line = example.Line,
        Loss = FiguresResource.Finite(example.Loss),
        Expected = example.Expected,
        Output = example.Output,
        ExactMatch = example.IsExactMatch,
    };
}

/// <summary>Evaluations, the newest first.</summary>
public sealed record EvaluationList
{
    /// <summary>Always list.</summary>
    /// <example>list</example>
    public string Object { get; init; } = "list";

    /// <summary>The evaluations.</summary>
    public required IReadOnlyList<EvaluationResource> Data { get; init; }

    /// <summary>Whether there are older ones: ask again with after = the last id.</summary>
    /// <example>false</example>
    public required bool HasMore { get; init; }
}
