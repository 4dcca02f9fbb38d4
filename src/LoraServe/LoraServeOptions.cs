using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LoraServe.Api.Requests;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Generation;
using LoraServe.Hosting;

namespace LoraServe;

/// <summary>
/// Every option of the server. The same names serve the section "LoraServe" of a configuration file (<c>MaxNumSeqs</c>), the environment
/// (<c>LoraServe__MaxNumSeqs</c>) and the command line (<c>--max-num-seqs</c>), each overriding the one before.
/// </summary>
public sealed record LoraServeOptions
{
    /// <summary>Name of the configuration section.</summary>
    public const string Section = "LoraServe";

    /// <summary>Maximum of an option in MiB.</summary>
    internal const int MaxMebibytes = 1 << 20;

    private static readonly string Demo = Path.Combine(AppContext.BaseDirectory, "Demo");

    [Description("Folder of the base model in Hugging Face's format: config.json, safetensors files, tokenizer.json. Default: the "
        + "bundled demo model.")]
    [BaseModel]
    public string? Model { get; init; }

    [Description("Name of the base model in requests and lists. Default: the name of its folder.")]
    public string? ServedModelName { get; init; }

    [Description("Folder for adapters, files, jobs and keys. It is readable by its owner only (0700) and used by one server at a time.")]
    [Folder]
    public string Data { get; init; } = "data";

    [Description("Days for which the data folder's trash keeps files that a start found there and no database knows.")]
    [Range(0, 3650)]
    public int TrashDays { get; init; } = 7;

    [Description("Builds the database of adapters from the files of the data folder, and that of files and jobs if it is refused. For "
        + "one start, after one that was refused because a database is lost, damaged or older than the files.")]
    public bool RebuildRegistry { get; init; }

    [Description("Folder of PEFT folders to serve from the start, each under its folder's name. Default: the demo's adapters with the "
        + "demo model, else none.")]
    [ExistingFolder]
    public string? Adapters { get; init; }

    [Description("Folder below which /v1/load_lora_adapter may read adapters; symbolic links must lead there too. Default: the folder of "
        + "--adapters.")]
    [ExistingFolder]
    public string? LoraPathRoot { get; init; }

    [Description("Addresses to listen on, separated by semicolons. Where it is not set, Kestrel:Endpoints, ASPNETCORE_URLS and "
        + "ASPNETCORE_HTTP_PORTS count.")]
    [ListenAddresses]
    public string Urls { get; init; } = "http://localhost:8080";

    [Description("Lets requests without an API key do everything but manage keys and read the audit, from other machines too.")]
    public bool AllowAnonymous { get; init; }

    [Description("Opens /metrics, which names every adapter, without an API key.")]
    public bool AllowAnonymousMetrics { get; init; }

    [Description("File with an API key that may do everything, such as a mounted secret. It is read at the start. Default: none.")]
    public string? AdminKeyFile { get; init; }

    [Description("Origins whose pages may call the server from a browser, separated by semicolons: https://app.example.com. Default: "
        + "none.")]
    [Origins]
    public string? CorsOrigins { get; init; }

    [Description("Path prefix, such as /lora, that a proxy leaves on the requests it passes on. Paths without it are answered too. "
        + "Default: none.")]
    [UrlPath]
    public string? PathBase { get; init; }

    [Description("Proxies whose X-Forwarded-Prefix, the path prefix that they removed, is believed: loopback (this machine), none, "
        + "addresses and networks such as 10.0.0.0/8, separated by semicolons.")]
    [Proxies]
    public string TrustedProxies { get; init; } = "loopback";

    [Description("Type of the weights. auto takes bfloat16 where the processor is fast at it (AVX512_BF16, AMX), else float32.")]
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

    [Description("Most tokens of one step of the engine; longer prompts are prefilled in chunks.")]
    [Range(1, 1 << 20)]
    public int MaxNumBatchedTokens { get; init; } = 512;

    [Description("Most sequences that wait before new ones are refused with 429.")]
    [Range(1, 1 << 20)]
    public int MaxQueuedSeqs { get; init; } = 1024;

    [Description("Most different adapters in one step; the others take turns.")]
    [Range(1, 4096)]
    public int MaxLoras { get; init; } = 16;

    [Description("How the model writes tool calls. auto tells it from the chat template or the vocabulary.")]
    [AllowedValues("auto", "hermes", "llama3_json", "mistral")]
    public string ToolCallParser { get; init; } = "auto";

    [Description("Reuses the keys and values of prompt prefixes that were computed before.")]
    public bool EnablePrefixCaching { get; init; } = true;

    [Description("Highest rank of an adapter.")]
    [Range(1, 4096)]
    public int MaxLoraRank { get; init; } = 256;

    [Description("Memory for keys and values in MiB, fixed for the life of the server.")]
    [Range(1, MaxMebibytes)]
    public int KvCacheMemory { get; init; } = 1024;

    [Description("Most memory for adapters in bytes, including what loading takes for a moment (the file, float32 copies). Idle adapters "
        + "make room; a request that finds none waits, then gets a 503, or at once a 400 if its adapter can never fit.")]
    [Range(typeof(long), "0", "9223372036854775807")]
    public long AdapterCacheBytes { get; init; } = 1L << 30;

    [Description("Most memory for merged weights in bytes; 0 merges nothing. Default: as much as one adapter on all linear modules "
        + "needs, at most a quarter of the machine's memory.")]
    [Range(typeof(long), "0", "9223372036854775807")]
    public long? MergedBytes { get; init; }

    [Description("Share of the engine's time that training may take while requests wait; it takes all of it while none does.")]
    [Range(0.0, 1.0)]
    public double TrainingShare { get; init; } = 0.2;

    [Description("Most memory in MiB that a training, a rank study or an evaluation may take beside the model, estimated before it "
        + "begins; what would take more is refused with what to lower. Default: a quarter of the memory that the process may use.")]
    [Range(1, MaxMebibytes)]
    public int? TrainingMemory { get; init; }

    [Description("Most trainings, and as many evaluations and rank studies, of one key that wait, are paused or run before new ones are "
        + "refused with 429; all keys together may have ten times as many.")]
    [Range(1, 100_000)]
    public int MaxQueuedJobs { get; init; } = 100;

    [Description("Most adapters with a label of their own in metrics; those that are used later share one.")]
    [Range(0, 100_000)]
    public int MaxAdapterLabels { get; init; } = 100;

    [Description("Lines of the log: text for people, json for collectors, auto for json in a container and text elsewhere.")]
    [AllowedValues("auto", "text", "json")]
    public string LogFormat { get; init; } = "auto";

    [Description("Address to send metrics and traces to over OTLP. Default: what OTEL_EXPORTER_OTLP_ENDPOINT says, else nowhere.")]
    [OtlpAddress]
    public string? OtlpEndpoint { get; init; }

    [Description("Largest upload of an adapter in MiB, packed or unpacked.")]
    [Range(1, MaxMebibytes)]
    public int MaxUploadSize { get; init; } = 2048;

    [Description("Largest file of examples in MiB.")]
    [Range(1, MaxMebibytes)]
    public int MaxTrainingFileSize { get; init; } = 128;

    [Description("Largest body of any other request in MiB.")]
    [Range(1, 1024)]
    public int MaxRequestSize { get; init; } = 16;

    [Description("Seconds that running requests get to finish when the server is asked to stop.")]
    [Range(0, 3600)]
    public int ShutdownTimeout { get; init; } = 30;

    /// <summary>Whether the bundled demo model is served.</summary>
    public bool IsDemo => Model is null;

    /// <summary>The origins of <see cref="CorsOrigins"/>.</summary>
    public IReadOnlyList<string> CorsOriginList =>
        CorsOrigins?.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];

    /// <summary>The folder of adapters served from the start; null if there is none.</summary>
    public string? AdaptersFolder => Adapters ?? (IsDemo ? Path.Combine(Demo, "adapters") : null);

    private long UploadBytes => (long)MaxUploadSize << 20;

    /// <summary>The engine's options.</summary>
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
