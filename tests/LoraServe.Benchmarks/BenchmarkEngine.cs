using System.CommandLine;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Generation;
using LoraServe.Text.Tokenizers;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Benchmarks;

/// <summary>An engine in this process, without a server, with a temporary data folder.</summary>
internal sealed class BenchmarkEngine : IAsyncDisposable
{
    private const string ModelVariable = "LORASERVE_MODEL";

    private readonly string _data = Directory.CreateTempSubdirectory("loraserve-benchmark-").FullName;

    /// <param name="options">What to start; the data folder is replaced.</param>
    public BenchmarkEngine(EngineOptions options)
    {
        try
        {
            Engine = LlmEngine.Load(options with { Data = _data }, progress: null, NullLoggerFactory.Instance);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidCheckpointException or InvalidTokenizerException)
        {
            Directory.Delete(_data, recursive: true);
            throw new BenchmarkException($"The checkpoint cannot be loaded. {e.Message}", e);
        }
    }

    public LlmEngine Engine { get; }

    /// <summary>The option that names a checkpoint; <see cref="Folder"/> reads it.</summary>
    public static Option<DirectoryInfo?> ModelOption() => new("--model")
    {
        Description = $"Folder of a checkpoint. Default: what {ModelVariable} names.",
        HelpName = "DIR",
    };

    /// <exception cref="BenchmarkException">No folder is given.</exception>
    public static string Folder(ParseResult result, Option<DirectoryInfo?> model) =>
        result.GetValue(model)?.FullName ?? Environment.GetEnvironmentVariable(ModelVariable)
            ?? throw new BenchmarkException($"Name the folder of a checkpoint with --model or in {ModelVariable}.");

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        Directory.Delete(_data, recursive: true);
    }
}
