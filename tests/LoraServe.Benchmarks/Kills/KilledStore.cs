using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Checkpoints;
using Microsoft.Extensions.Logging.Abstractions;
using TorchSharp;

namespace LoraServe.Benchmarks.Kills;

/// <summary>A data folder with adapters for a tiny base, and beside it the PEFT folders that are repeatedly uploaded.</summary>
internal static class KilledStore
{
    private const int Contents = 12;
    private const int Width = 64;

    /// <summary>The base, which needs no weights.</summary>
    public static readonly AdapterBase Base = new()
    {
        Modules = new ModelModules(
            "tiny",
            "llama",
            [.. Enumerable.Range(0, 4).Select(layer => new LinearModule($"model.layers.{layer}.self_attn.q_proj", Width, Width, HasBias: false))],
            Others: [],
            Head: "lm_head"),
        Fingerprint = "fingerprint",
        Dtype = torch.ScalarType.Float32,
        Device = torch.CPU,
        Tensor = name => throw new InvalidOperationException($"Nothing needs '{name}': all updates are low-rank."),
    };

    /// <summary>Writes the PEFT folders.</summary>
    public static void Prepare(string root)
    {
        for (var i = 0; i < Contents; i++) GeneratedAdapter.Write(Content(root, i), Base.Modules.Linears, rank: 2, seed: i);
    }

    /// <summary>Opens the store as a server does.</summary>
    public static AdapterManager Open(string root) => AdapterManager.Open(
        Base,
        new AdapterOptions { DataFolder = Path.Combine(root, "data"), MaxRank = 16, CacheBytes = 1 << 20 },
        TimeProvider.System,
        new Random(1),
        NullLogger<AdapterManager>.Instance);

    /// <summary>An upload of one of the PEFT folders.</summary>
    public static async Task<AdapterUpload> UploadAsync(AdapterManager manager, string root, Random random)
    {
        var upload = manager.BeginUpload();
        foreach (var path in Directory.GetFiles(Content(root, random.Next(Contents))))
        {
            await using var file = File.OpenRead(path);
            await upload.ReadFileAsync(Path.GetFileName(path), file, CancellationToken.None);
        }

        return upload;
    }

    /// <summary>The worker's journal: the start and end of each change.</summary>
    public static string Journal(string root) => Path.Combine(root, "journal");

    private static string Content(string root, int index) => Path.Combine(root, "contents", $"{index}");
}
