using System.CommandLine;
using LoraServe.Engine.Generation;
using LoraServe.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Commands;

/// <summary>The command-line options that choose a base model, and the engine that loads it without a server.</summary>
internal sealed class EngineChoice
{
    // For generated answers; training needs no KV cache.
    private const int KvCacheMebibytes = 256;

    // Evaluation accepts ranks that a server would refuse.
    private const int MaxRank = 4096;

    private readonly Option<string?> _model = new("--model")
    {
        Description = "Folder of the base model. Default: the bundled demo model.",
        HelpName = "DIR",
    };

    private readonly Option<string?> _dtype = ValueOption.Name(
        "--dtype", "Type of the frozen weights: auto, float32 or bfloat16. Default: auto, which takes bfloat16 where the processor is fast at it.",
        "auto", "float32", "bfloat16");

    private readonly Option<int?> _threads = ValueOption.Number<int>(
        "--threads", "Threads that compute. Default: the number of cores. With one, a training ends with the same bits each time.", least: 1, most: 1024);

    private readonly Option<int?> _memory = ValueOption.Number<int>(
        "--training-memory", "Most memory in MiB that it may take beside the model. Default: half of the memory that the process may use.",
        least: 1, most: LoraServeOptions.MaxMebibytes);

    public EngineChoice()
    {
        _model.WithRule(ModelFolder.Fault);
    }

    /// <summary>All options.</summary>
    public IEnumerable<Option> All => [_model, _dtype, _threads, _memory];

    /// <summary>The folder of the model.</summary>
    public string Folder(ParseResult result) => new LoraServeOptions { Model = result.GetValue(_model) }.ToEngineOptions().Model;

    /// <summary>Loads the model.</summary>
    /// <param name="result">The parsed command line.</param>
    /// <param name="data">A folder for the engine's data.</param>
    /// <param name="adapters">A folder whose sub-folders are adapters, or null.</param>
    /// <param name="weights">Folder of a checkpoint whose weights replace the model's own, or null.</param>
    public LlmEngine Load(ParseResult result, string data, string? adapters = null, string? weights = null)
    {
        var asked = new LoraServeOptions { Model = result.GetValue(_model) }.ToEngineOptions();
        var options = asked with
        {
            Model = weights ?? asked.Model,
            Data = data,
            Adapters = adapters,
            Dtype = result.GetValue(_dtype) ?? asked.Dtype,
            Threads = result.GetValue(_threads),
            KvCacheMemory = KvCacheMebibytes,
            MaxLoraRank = MaxRank,
            MergedBytes = 0,
            TrainingMemory = result.GetValue(_memory) ?? (int)(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2 >> 20),
        };
        return LoadingBar.Show(progress => LlmEngine.Load(options, progress, NullLoggerFactory.Instance));
    }
}
