using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LoraServe.Engine.Adapters;
using LoraServe.Engine.Generation;
using LoraServe.Hosting;

namespace LoraServe;

/// <summary>
/// Every option of the server. The same names serve the section "LoraServe" of a configuration file (<c>MaxNumSeqs</c>), the environment
/// (<c>LoraServe__MaxNumSeqs</c>) and the command line (<c>--max-num-seqs</c>), each stronger than the one before.
/// </summary>
public sealed record LoraServeOptions
{
    /// <summary>Name of the configuration section.</summary>
    public const string Section = "LoraServe";

    /// <summary>Most of an option that is in MiB.</summary>
    internal const int MaxMebibytes = 1 << 20;

    private static readonly string Demo = Path.Combine(AppContext.BaseDirectory, "Demo");

    [Description("Folder of the base model: config.json, safetensors files, tokenizer.json. Default: the bundled demo model.")]
    [BaseModel]
    public string? Model { get; init; }

    [Description("Name of the base model in requests and lists. Default: the name of its folder.")]
    public string? ServedModelName { get; init; }

    [Description("Folder that keeps uploaded adapters across restarts.")]
    [Folder]
    public string Data { get; init; } = "data";

    [Description("Days for which the trash of the data folder keeps files that a start found and no database knows.")]
    [Range(0, 3650)]
    public int TrashDays { get; init; } = 7;

    [Description("Whether this start builds the database of adapters from the files of the data folder, and that of files and jobs if it is refused: "
        + "true or false. For one start, after one that was refused because a database is lost, damaged or older than the files.")]
    public bool RebuildRegistry { get; init; }

    [Description("Folder whose sub-folders are PEFT adapters to serve from the start, named after them.")]
    [ExistingFolder]
    public string? Adapters { get; init; }

    [Description("Folder below which /v1/load_lora_adapter may read adapters of this machine. Default: the folder of --adapters.")]
    [ExistingFolder]
    public string? LoraPathRoot { get; init; }

    [Description("Addresses to listen on, separated by semicolons.")]
    [ListenAddresses]
    public string Urls { get; init; } = "http://localhost:8080";

    [Description("Whether requests without an API key may do everything but manage keys, also from other machines: true or false.")]
    public bool AllowAnonymous { get; init; }

    [Description("Whether /metrics needs no API key: true or false. It names every adapter.")]
    public bool AllowAnonymousMetrics { get; init; }

    [Description("File that holds an API key which may do everything, such as a mounted secret. It is read at the start.")]
    public string? AdminKeyFile { get; init; }

    [Description("Origins whose pages may call the server from a browser, separated by semicolons: https://app.example.com. Default: none.")]
    [Origins]
    public string? CorsOrigins { get; init; }

    [Description("Path below which a proxy passes requests on without taking it off, such as /lora. Paths without it are answered, too. Default: none.")]
    [UrlPath]
    public string? PathBase { get; init; }

    [Description("Proxies whose X-Forwarded-Prefix counts, the path that they have taken off: loopback for this machine, none, addresses and networks "
        + "such as 10.0.0.0/8, separated by semicolons.")]
    [Proxies]
    public string TrustedProxies { get; init; } = "loopback";

    [Description("Type of the weights: auto, float32 or bfloat16. auto takes bfloat16 where the processor is fast at it.")]
    [AllowedValues("auto", "float32", "bfloat16")]
    public string Dtype { get; init; } = "auto";

    [Description("Threads that compute. Default: the number of cores.")]
    [Range(1, 1024)]
    public int? Threads { get; init; }

    [Description("Most tokens of a prompt and its continuation together. Default: what the model was made for.")]
    [Range(1, 1 << 24)]
    public int? MaxModelLen { get; init; }

    [Description("Most sequences that run at the same time.")]
    [Range(1, 4096)]
    public int MaxNumSeqs { get; init; } = 64;

    [Description("Most tokens that one step of the engine processes; longer prompts are prefilled in chunks.")]
    [Range(1, 1 << 20)]
    public int MaxNumBatchedTokens { get; init; } = 512;

    [Description("Most sequences that wait for their turn before new ones are refused with 429.")]
    [Range(1, 1 << 20)]
    public int MaxQueuedSeqs { get; init; } = 1024;

    [Description("Most different adapters in one step; the others take turns.")]
    [Range(1, 4096)]
    public int MaxLoras { get; init; } = 16;

    [Description("How the model writes calls of tools: auto, hermes, llama3_json or mistral. auto sees it from the chat template or the vocabulary.")]
    [AllowedValues("auto", "hermes", "llama3_json", "mistral")]
    public string ToolCallParser { get; init; } = "auto";

    [Description("Whether beginnings of prompts that were computed before are used again: true or false.")]
    public bool EnablePrefixCaching { get; init; } = true;

    [Description("Highest rank that an adapter may have.")]
    [Range(1, 4096)]
    public int MaxLoraRank { get; init; } = 256;

    [Description("Memory for keys and values in MiB, fixed for the life of the server.")]
    [Range(1, MaxMebibytes)]
    public int KvCacheMemory { get; init; } = 1024;

    [Description("Most memory for adapters in bytes. Adapters that no request uses make room; a request for which there is none waits.")]
    [Range(typeof(long), "0", "9223372036854775807")]
    public long AdapterCacheBytes { get; init; } = 1L << 30;

    [Description("Most memory for merged weights in bytes; 0 merges nothing. "
        + "Default: as much as one adapter on all linear modules needs, at most a quarter of the machine's memory.")]
    [Range(typeof(long), "0", "9223372036854775807")]
    public long? MergedBytes { get; init; }

    [Description("Part of the time that training may take while requests wait, from 0 to 1; it takes all of it while none does.")]
    [Range(0.0, 1.0)]
    public double TrainingShare { get; init; } = 0.2;

    [Description("Most memory in MiB that a training, a rank study or an evaluation may take beside the model; what would take more is refused. "
        + "Default: a quarter of the memory that the process may use.")]
    [Range(1, MaxMebibytes)]
    public int? TrainingMemory { get; init; }

    [Description("Most trainings, and as many evaluations and rank studies, of one key that wait for their turn, are paused or run before new ones are "
        + "refused with 429; all keys together may have ten times as many.")]
    [Range(1, 100_000)]
    public int MaxQueuedJobs { get; init; } = 100;

    [Description("Most adapters that have a label of their own in metrics; those that are used later share one.")]
    [Range(0, 100_000)]
    public int MaxAdapterLabels { get; init; } = 100;

    [Description("Lines of the log: text for people, json for what collects them, auto for json in a container and text elsewhere.")]
    [AllowedValues("auto", "text", "json")]
    public string LogFormat { get; init; } = "auto";

    [Description("Address that metrics and traces are sent to over OTLP. Default: what OTEL_EXPORTER_OTLP_ENDPOINT says, else nowhere.")]
    [OtlpAddress]
    public string? OtlpEndpoint { get; init; }

    [Description("Largest upload of an adapter in MiB, packed or unpacked.")]
    [Range(1, MaxMebibytes)]
    public int MaxUploadSize { get; init; } = 2048;

    [Description("Largest upload of examples to train on in MiB.")]
    [Range(1, MaxMebibytes)]
    public int MaxTrainingFileSize { get; init; } = 128;

    [Description("Largest body of any other request in MiB.")]
    [Range(1, 1024)]
    public int MaxRequestSize { get; init; } = 16;

    [Description("Seconds that running requests get to finish when the server is told to stop.")]
    [Range(0, 3600)]
    public int ShutdownTimeout { get; init; } = 30;

    /// <summary>Whether the bundled demo model is served.</summary>
    public bool IsDemo => Model is null;

    /// <summary>The origins of <see cref="CorsOrigins"/>.</summary>
    public IReadOnlyList<string> CorsOriginList =>
        CorsOrigins?.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];

    /// <summary>The folder whose adapters are served from the start; null if there is none.</summary>
    public string? AdaptersFolder => Adapters ?? (IsDemo ? Path.Combine(Demo, "adapters") : null);

    private long UploadBytes => (long)MaxUploadSize << 20;

    /// <summary>The part of the options that the engine needs.</summary>
    public EngineOptions ToEngineOptions() => new()
    {
        Model = Model ?? Path.Combine(Demo, "base"),
        ServedModelName = ServedModelName ?? (IsDemo ? "loraserve-demo" : null),
        Data = Data,
        TrashAge = TimeSpan.FromDays(TrashDays),
        RebuildRegistry = RebuildRegistry,
        Adapters = AdaptersFolder,
        Dtype = Dtype,
        Threads = Threads,
        MaxModelLen = MaxModelLen,
        MaxNumSeqs = MaxNumSeqs,
        MaxNumBatchedTokens = MaxNumBatchedTokens,
        MaxQueuedSeqs = MaxQueuedSeqs,
        MaxLoras = MaxLoras,
        EnablePrefixCaching = EnablePrefixCaching,
        MaxLoraRank = MaxLoraRank,
        KvCacheMemory = KvCacheMemory,
        AdapterCacheBytes = AdapterCacheBytes,
        MergedBytes = MergedBytes,
        TrainingShare = TrainingShare,
        TrainingMemory = TrainingMemory,
        MaxAdapterLabels = MaxAdapterLabels,
        UploadLimits = new AdapterLimits { MaxArchiveBytes = UploadBytes, MaxExpandedBytes = UploadBytes, MaxFileBytes = UploadBytes },
    };
}
