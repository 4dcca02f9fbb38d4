namespace LoraServe.Engine.Training.Results;

/// <summary>An adapter on a data set.</summary>
/// <param name="Figures">Over all examples.</param>
/// <param name="Examples">One by one, in the order of the file.</param>
public sealed record Evaluation(EvaluationFigures Figures, IReadOnlyList<ExampleResult> Examples);

/// <summary>An adapter on one example.</summary>
/// <param name="Line">The example's line in the file, from 1.</param>
/// <param name="Loss">Mean cross-entropy of its targets in nats.</param>
/// <param name="Expected">The completion in the file.</param>
/// <param name="Output">The greedy completion; null if it was not generated.</param>
public sealed record ExampleResult(int Line, double Loss, string Expected, string? Output)
{
    /// <summary>Whether the output equals the expected text; null if it was not generated.</summary>
    public bool? IsExactMatch => Output is null ? null : Output == Expected;
}
