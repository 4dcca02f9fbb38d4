namespace LoraServe.Api.FineTuning;

/// <summary>Trainings, the newest first.</summary>
public sealed record FineTuningJobList
{
    /// <summary>Always list.</summary>
    /// <example>list</example>
    public string Object { get; init; } = "list";

    /// <summary>The trainings.</summary>
    public required IReadOnlyList<FineTuningJobResource> Data { get; init; }

    /// <summary>Whether there are older ones: ask again with after = the last id.</summary>
    /// <example>false</example>
    public required bool HasMore { get; init; }
}
