using LoraServe.Engine.Training.Ranks;
using LoraServe.Engine.Training.Results;
using LoraServe.Engine.Training.Settings;
using LoraServe.Tests;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Training.Ranks;

public sealed class RankStudyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTraining _training = new(examples: 8);

    private string DataFile => Path.Combine(_folder.Path, "train.jsonl");

    private RankStudyRequest Request => new()
    {
        Training = new TrainingRequest { TrainingFile = DataFile, Folder = Path.Combine(_folder.Path, "study") },
        TestFile = "test.jsonl",
        Ranks = [4, 1],
        Seeds = 2,
    };

    public RankStudyTests() => File.WriteAllLines(DataFile, Enumerable.Range(0, 8).Select(i => $"{{\"line\": {i}}}"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task RunAsync_TwoRanksAndFull_TrainsAllUnderTheSameConditions()
    {
        var result = await RunAsync(Request);

        _training.Made.Select(plan => (plan.Settings.Method, plan.Request.Hyperparameters.Rank, plan.Settings.Seed)).ShouldBe(
        [
            (TrainingMethod.Lora, 1, 7), (TrainingMethod.Lora, 1, 8), (TrainingMethod.Lora, 4, 7), (TrainingMethod.Lora, 4, 8),
            (TrainingMethod.Full, null, 7), (TrainingMethod.Full, null, 8),
        ]);
        _training.Made.ShouldAllBe(plan => plan.Settings.Steps == 40 && plan.Settings.EvaluateEvery == 40 && plan.Settings.EarlyStopping == 0);
        _training.Made[..4].ShouldAllBe(plan => plan.Settings.Alpha == RankStudyPlan.DefaultAlpha && plan.Settings.LearningRate == 0.001);
        _training.Made[4].Settings.LearningRate.ShouldBe(0.0001, 1e-12);
        result.Rows.Select(row => (row.Rank, row.Target, row.DataSize, row.Bytes)).ShouldBe(
            [(1, "all-linear", 8, 100), (4, "all-linear", 8, 400), (null, "full", 8, 800)]);
        result.Rows[0].ExactMatches.ShouldBe([0.4, 0.41], 1e-9);
        result.Rows[2].Share.ShouldBe(1);
        (result.PlateauRank, result.PlateauTarget).ShouldBe((4, "all-linear"));
    }

    [Fact]
    public async Task RunAsync_KilledDuringATraining_MakesOnlyThatOneAndTheNextOnes()
    {
        _training.KilledAt = 4;
        await Should.ThrowAsync<OperationCanceledException>(() => RunAsync(Request));
        _training.Made.Clear();
        _training.KilledAt = 0;

        var result = await RunAsync(Request);

        _training.Made.Count.ShouldBe(3);
        result.Rows.Count.ShouldBe(3);
        result.ShouldSatisfyAllConditions(() => result.Rows.ShouldAllBe(row => row.Losses.Count == 2));
    }

    [Fact]
    public async Task RunAsync_AgainWithOneMoreRank_MakesOnlyItsTrainings()
    {
        var hyperparameters = new Hyperparameters { Steps = 10 };
        var request = Request with { Training = Request.Training with { Hyperparameters = hyperparameters }, Ranks = [1, 2] };
        await RunAsync(request);
        _training.Made.Clear();

        var result = await RunAsync(request with { Ranks = [1, 2, 8] });

        _training.Made.Select(plan => plan.Settings.Rank).ShouldBe([8, 8]);
        result.Rows.Count.ShouldBe(4);
    }

    [Fact]
    public async Task RunAsync_Ended_KeepsNoAdapterUnlessToldTo()
    {
        await RunAsync(Request);

        _training.Read.Single().Count.ShouldBe(2);
        _training.Made.ShouldAllBe(plan => !Directory.Exists(plan.Request.Folder));

        await RunAsync(Request with { KeepsAdapters = true, Seeds = 3 });
        Directory.Exists(_training.Made[^1].Request.Folder).ShouldBeTrue();
    }

    [Fact]
    public async Task RunAsync_DataSizes_TrainsOnTheFirstExamples()
    {
        var result = await RunAsync(Request with { DataSizes = [8, 2], IncludesFull = false });

        result.Rows.Select(row => (row.Rank, row.DataSize)).ShouldBe([(1, 2), (4, 2), (1, 8), (4, 8)]);
        File.ReadAllLines(_training.Made[0].Request.TrainingFile).ShouldBe(["{\"line\": 0}", "{\"line\": 1}"]);
        _training.Made[^1].Request.TrainingFile.ShouldBe(DataFile);
        _training.Made.ShouldAllBe(plan => plan.Settings.Steps == 40);
    }

    [Fact]
    public void Check_ManyFaults_NamesEveryOne()
    {
        var study = new RankStudy(_training.Model);

        Should.Throw<InvalidTrainingException>(() => study.Check(Request with
        {
            Training = Request.Training with { ValidationSplit = 0.1 },
            TestFile = null,
            Ranks = [0, 2],
            Targets = [" "],
            DataSizes = [5, 5],
            Seeds = 0,
            FullLearningRate = double.NaN,
        })).Faults.Count.ShouldBe(7);
        Should.Throw<InvalidTrainingException>(() => study.Check(Request with { Ranks = [1, 65, 66] })).Faults
            .ShouldBe(["rank: expected at most 64 and not 13, found 66"]);
        Should.Throw<InvalidTrainingException>(() => study.Check(Request with { DataSizes = [9] })).Faults
            .ShouldBe([$"data sizes: expected at most the 8 of {DataFile}, found 9"]);
    }

    [Fact]
    public void Check_ManyTrainings_ReadsTheDataOnceAndNamesEveryFault()
    {
        var study = new RankStudy(_training.Model);

        study.Check(Request with { DataSizes = [8, 2, 4], Seeds = 50 });

        _training.Prepared.ShouldBe(1);
        Should.Throw<InvalidTrainingException>(() => study.Check(Request with { Ranks = [13, 14] })).Faults
            .ShouldBe(["rank: expected at most 64 and not 13, found 13"]);
        Should.Throw<InvalidTrainingException>(() => study.Check(Request with { Ranks = [.. Enumerable.Range(1, 1001)], Seeds = 1 })).Faults
            .ShouldBe(["ranks, targets, data sizes, seeds: expected at most 1000 trainings in all, found 1002: try fewer of them"]);
        Should.Throw<InvalidTrainingException>(() => study.Check(Request with { Ranks = [.. Enumerable.Range(1, 1001)], Seeds = 1 }));
        _training.Prepared.ShouldBe(2);
    }

    [Fact]
    public async Task RunAsync_RankThatDiverges_IsARowWithoutFiguresAndIsNotMadeAgain()
    {
        _training.Diverges = rank => rank == 1;
        var request = Request with { IncludesFull = false };

        var result = await RunAsync(request);

        result.Rows.Select(row => (row.Rank, row.Diverged, row.Losses.Count)).ShouldBe([(1, 2, 0), (4, 0, 2)]);
        (result.Rows[0].Loss, result.Rows[0].ExactMatch, result.Rows[0].Parameters).ShouldBe((null, null, 1000));
        result.PlateauRank.ShouldBe(4);
        result.Spectrum.ShouldNotBeNull();
        (await RunAsync(request)).Rows[0].Diverged.ShouldBe(2);
        _training.Made.Count.ShouldBe(4);
    }

    [Fact]
    public async Task RunAsync_HighestRankDiverges_HasNoSpectrum()
    {
        _training.Diverges = rank => rank == 4;

        var result = await RunAsync(Request with { IncludesFull = false });

        (result.PlateauRank, result.Spectrum).ShouldBe((1, null));
        result.TestExamples.ShouldBe(5);
        _training.Made.ShouldAllBe(plan => !Directory.Exists(plan.Request.Folder));
    }

    [Fact]
    public async Task RunAsync_EveryRankDiverges_FailsWithWhatToChange()
    {
        _training.Diverges = _ => true;

        (await Should.ThrowAsync<TrainingFailedException>(() => RunAsync(Request))).Message.ShouldContain("lower learning rate");
    }

    private Task<RankStudyResult> RunAsync(RankStudyRequest request) =>
        new RankStudy(_training.Model).RunAsync(request, new Progress<RankStudyProgress>(), TestContext.Current.CancellationToken);
}
