namespace LoraServe.Engine.Training.Ranks;

/// <summary>Finds faults of a study as a whole, apart from its trainings.</summary>
internal static class RankStudyFaults
{
    private const int MaxSeeds = 100;

    public static IEnumerable<string> Of(RankStudyRequest request)
    {
        if (IsBad(request.Ranks, rank => rank >= 1) || request.Ranks.Count == 0)
            yield return $"ranks: expected different whole numbers from 1 on, found '{string.Join(',', request.Ranks)}'";
        if (IsBad(request.Targets, target => RankStudyPlan.Modules(target).Count > 0) || request.Targets.Count == 0)
            yield return $"targets: expected different placements such as attention and all-linear, found '{string.Join(' ', request.Targets)}'";
        if (IsBad(request.DataSizes, size => size >= 1))
            yield return $"data sizes: expected different whole numbers from 1 on, found '{string.Join(',', request.DataSizes)}'";
        if (request.Seeds is < 1 or > MaxSeeds) yield return $"seeds: expected 1 to {MaxSeeds}, found {request.Seeds}";
        if (request.Trainings > RankStudyRequest.MostTrainings)
        {
            yield return $"ranks, targets, data sizes, seeds: expected at most {RankStudyRequest.MostTrainings} trainings in all, "
                + $"found {request.Trainings}: try fewer of them";
        }

        if (request.FullLearningRate is { } rate && !(rate > 0 && double.IsFinite(rate)))
            yield return $"learning rate of full fine-tuning: expected a number above 0, found {rate}";
        if (request.TestFile is null && request.Training.ValidationFile is null)
            yield return "test file: expected a file of held-out examples, found none";
        if (request.Training.ValidationSplit != 0)
            yield return "validation split: expected none, since settings are compared on the test file, found " + request.Training.ValidationSplit;
        if (request.Training.Hyperparameters is { RankPattern.Count: > 0 } or { AlphaPattern.Count: > 0 })
            yield return "rank pattern, alpha pattern: expected none, since the study sets the rank of every module";
    }

    private static bool IsBad<T>(IReadOnlyList<T> values, Func<T, bool> isGood) =>
        values.Distinct().Count() < values.Count || !values.All(isGood);
}
