using LoraServe.Engine.Generation;
using LoraServe.Engine.Training;
using LoraServe.Engine.Training.Settings;
using LoraServe.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Engine.Tests.Training;

/// <summary>An engine on a tiny golden model, and a folder for the files of trainings.</summary>
public sealed class TrainedEngine : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly LlmEngine _engine;

    public TrainedEngine()
    {
        _engine = LlmEngine.Load(
            new EngineOptions
            {
                Model = GoldenData.Path("checkpoints", "llama-gqa"),
                Data = _folder.File("data"),
                Dtype = "float32",
                Threads = 1,
                MaxLoraRank = 48,
                MergedBytes = 0,
            },
            progress: null,
            NullLoggerFactory.Instance);
        Trainer = new LoraTrainer(_engine);
    }

    public LoraTrainer Trainer { get; }

    public LlmEngine Engine => _engine;

    /// <summary>A request to train on a file with this content, in a new folder.</summary>
    public TrainingRequest Request(string content, Hyperparameters? hyperparameters = null)
    {
        var folder = Directory.CreateDirectory(_folder.File(Guid.NewGuid().ToString("N"))).FullName;
        var file = Path.Combine(folder, "train.jsonl");
        File.WriteAllText(file, content);
        return new TrainingRequest
        {
            TrainingFile = file,
            Folder = Path.Combine(folder, "run"),
            Hyperparameters = hyperparameters ?? new Hyperparameters(),
        };
    }

    /// <summary>A JSONL text of this many examples.</summary>
    public static string Lines(int count) =>
        string.Join('\n', Enumerable.Range(0, count).Select(i => $$"""{"prompt": "question {{i}}", "completion": " answer {{i}}"}"""));

    public void Dispose()
    {
        _engine.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _folder.Dispose();
    }
}
