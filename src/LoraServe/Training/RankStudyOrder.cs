using LoraServe.Api.FineTuning;
using LoraServe.Api.RankStudies;
using LoraServe.Engine.Training.Ranks;
using LoraServe.Engine.Training.Settings;

namespace LoraServe.Training;

/// <summary>A study's request as stored.</summary>
internal sealed record RankStudyOrder
{
    /// <summary>The request.</summary>
    public required NewRankStudy Request { get; init; }

    /// <summary>The owner's names of the files, for messages.</summary>
    public required string TrainingFileName { get; init; }

    public required string TestFileName { get; init; }

    /// <summary>Where the training file is in the folder of its job.</summary>
    public static string Training(string folder) => Path.Combine(folder, "training.jsonl");

    /// <summary>Where the test file is.</summary>
    public static string Test(string folder) => Path.Combine(folder, "test.jsonl");

    /// <summary>The folder of its trainings.</summary>
    public static string Study(string folder) => Path.Combine(folder, "study");

    /// <summary>Where the report is, once the study is done.</summary>
    public static string Report(string folder) => Path.Combine(folder, "report.html");

    /// <summary>The study, in the folder of its job, which holds its files.</summary>
    public RankStudyRequest ToEngine(string folder) => new()
    {
        Training = new TrainingRequest
        {
            TrainingFile = Training(folder),
            Hyperparameters = LoraHyperparameters.ToEngine(
                Request.Hyperparameters ?? new BasicHyperparameters(), Request.Hyperparameters?.Lora ?? new LoraHyperparameters(), Request.Seed),
            Folder = Study(folder),
        },
        TestFile = Test(folder),
        Ranks = Request.Ranks,
        Targets = Request.Targets,
        DataSizes = Request.DataSizes,
        Seeds = Request.Seeds,
        IncludesFull = Request.Full,
        FullLearningRate = Request.FullLearningRate,
    };
}

/// <summary>A study's state as stored.</summary>
internal sealed record RankStudyState
{
    /// <summary>Finished trainings.</summary>
    public int Done { get; init; }

    /// <summary>All trainings; 0 until known.</summary>
    public int Total { get; init; }

    /// <summary>The current activity, as text.</summary>
    public string? Current { get; init; }

    /// <summary>The result; null before the end.</summary>
    public RankStudyResult? Result { get; init; }
}
