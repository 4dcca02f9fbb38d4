using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Storage;
using LoraServe.Tests;
using LoraServe.Text.Templates;
using TorchSharp;

namespace LoraServe.Engine.Tests.Adapters;

/// <summary>A manager on a temporary data folder, for the golden base llama-gqa.</summary>
internal sealed class ManagedAdapters : IDisposable
{
    public const string One = "attention-r4", Two = "rank-32", Three = "all-linear-r8";

    private const string Checkpoint = "llama-gqa";

    private readonly TemporaryFolder _root = new();
    private readonly long _cacheBytes;
    private readonly TimeSpan _patience;
    private readonly ChatTemplates _baseTemplates;

    /// <param name="cacheBytes">Room for adapters in memory.</param>
    /// <param name="patience">How long who finds no room waits; by default longer than a test.</param>
    public ManagedAdapters(long cacheBytes = 1 << 24, TimeSpan? patience = null)
    {
        (_cacheBytes, _patience) = (cacheBytes, patience ?? TimeSpan.FromMinutes(2));
        File.WriteAllText(_root.File("tokenizer_config.json"), """{"bos_token": "<base>"}""");
        _baseTemplates = ChatTemplates.Load(_root.Path);
        Manager = Open(folder: null);
    }

    public AdapterManager Manager { get; private set; }

    public RecordedLog<AdapterManager> Log { get; } = new();

    public Trash Trash => new(DataFolder, TimeProvider.System, Log);

    public string DataFolder => Path.Combine(_root.Path, "data");

    public void Restart(string? folder = null)
    {
        Manager.Dispose();
        Manager = Open(folder);
    }

    /// <summary>Starts again with what the data folder has become meanwhile.</summary>
    /// <param name="damage">Changes it while nobody uses it.</param>
    /// <param name="rebuild">Whether the registry is built from the folders.</param>
    public void Restart(Action damage, bool rebuild = false)
    {
        Manager.Dispose();
        damage();
        Manager = Open(folder: null, rebuild);
    }

    public Task<AdapterInfo> Add(string name, string adapter, AddOptions? options = null) =>
        AddFolder(name, GoldenData.Path("adapters", Checkpoint, adapter), options);

    public async Task<AdapterInfo> AddFolder(string name, string folder, AddOptions? options = null)
    {
        using var upload = await UploadFolder(folder);
        return await Manager.AddAsync(name, upload, options ?? new AddOptions { Replace = true }, CancellationToken.None);
    }

    public Task<AdapterUpload> Upload(string adapter) => UploadFolder(GoldenData.Path("adapters", Checkpoint, adapter));

    /// <summary>The version that a reference leads to, by way of memory.</summary>
    public async Task<string> Version(string reference)
    {
        using var lease = await Manager.AcquireAsync(reference, CancellationToken.None);
        return lease.Version.Value;
    }

    /// <summary>Where the tensors of a version are on disk.</summary>
    public string TensorFile(string version) => Path.Combine(DataFolder, "adapters", "versions", version, "adapter_model.safetensors");

    /// <summary>A folder of adapters with one called "own".</summary>
    public string FolderWithOne()
    {
        var folder = Path.Combine(_root.Path, "folder");
        Directory.CreateDirectory(Path.Combine(folder, "own"));
        foreach (var file in Directory.GetFiles(GoldenData.Path("adapters", Checkpoint, One)))
            File.Copy(file, Path.Combine(folder, "own", Path.GetFileName(file)));
        return folder;
    }

    public void Dispose()
    {
        Manager.Dispose();
        _root.Dispose();
    }

    private async Task<AdapterUpload> UploadFolder(string folder)
    {
        var upload = Manager.BeginUpload();
        foreach (var file in Directory.GetFiles(folder))
        {
            await using var stream = File.OpenRead(file);
            await upload.ReadFileAsync(Path.GetFileName(file), stream, CancellationToken.None);
        }

        return upload;
    }

    private static torch.Tensor BaseTensor(string name)
    {
        using var file = SafetensorsFile.Open(GoldenData.Path("checkpoints", Checkpoint, "model.safetensors"));
        return file.Read(name);
    }

    private AdapterManager Open(string? folder, bool rebuild = false) => AdapterManager.Open(
        new AdapterBase
        {
            Modules = ModelConfig.Load(GoldenData.Path("checkpoints", Checkpoint)).Modules(Checkpoint),
            Fingerprint = "fingerprint",
            Dtype = torch.ScalarType.Float32,
            Device = torch.CPU,
            Tensor = BaseTensor,
            Templates = _baseTemplates,
        },
        new AdapterOptions
        {
            DataFolder = DataFolder,
            RebuildRegistry = rebuild,
            AdaptersFolder = folder,
            MaxRank = 256,
            CacheBytes = _cacheBytes,
            CachePatience = _patience,
        },
        TimeProvider.System,
        new Random(1),
        Log);
}
