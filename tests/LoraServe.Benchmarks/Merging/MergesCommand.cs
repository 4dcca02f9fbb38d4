using System.CommandLine;
using System.Runtime.CompilerServices;
using LoraServe.Benchmarks.Steps;
using LoraServe.Engine;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Merging;
using LoraServe.Engine.Models;
using TorchSharp;

namespace LoraServe.Benchmarks.Merging;

/// <summary>
/// The command that merges and unmerges random adapters many times and checks that they leave no trace: the base's checksum, the number of
/// live tensors and the logits must be unchanged.
/// </summary>
internal static class MergesCommand
{
    private const int Context = 8;
    private const int MaxRank = 32;
    private static readonly TimeSpan ReportEvery = TimeSpan.FromSeconds(10);

    public static Command Create()
    {
        var (model, dtype, threads) = (MergingOptions.Model(), MergingOptions.Dtype(), MergingOptions.Threads());
        var count = BoundedOption.Create("--count", "Merges.", 200, 1, 10_000_000);
        var command = new Command(
            "merges", "Merges and unmerges random adapters; the exit code is 1 where anything is left of them.") { model, dtype, threads, count };
        command.SetAction(result =>
        {
            RuntimeHelpers.RunModuleConstructor(typeof(NativeLibraries).Module.ModuleHandle);
            NativeLibraries.Load();
            torch.set_num_threads(result.GetValue(threads));
            return Run(MergingOptions.Folder(result, model), ComputeDtype.Parse(result.GetValue(dtype)!), result.GetValue(count));
        });
        return command;
    }

    private static int Run(string model, torch.ScalarType dtype, int count)
    {
        var folder = AdapterFolder.Load(model, adapters: null, dtype);
        using var mode = torch.inference_mode();
        using var row = new DecodeRow(folder, Context);
        var fingerprint = folder.Weights.Checksum();
        var logits = row.Run(LoraAdapter.Base).ToArray();
        MergeRandom(folder, row, 0, runs: true);
        var tensors = torch.Tensor.TotalCount;

        var random = new Random(1);
        var next = DateTime.UtcNow + ReportEvery;
        for (var i = 1; i <= count; i++)
        {
            // Only every tenth adapter runs a step: steps would otherwise take most of the time.
            MergeRandom(folder, row, random.Next(1, MaxRank + 1), runs: i % 10 == 0);
            if (DateTime.UtcNow < next) continue;
            Console.WriteLine($"{i} of {count} merges");
            next = DateTime.UtcNow + ReportEvery;
        }

        List<(string What, bool IsSame)> checks =
        [
            ("base checksum", folder.Weights.Checksum() == fingerprint),
            ($"live tensors ({tensors})", torch.Tensor.TotalCount == tensors),
            ("logits of the base, bit by bit", row.Run(LoraAdapter.Base).SequenceEqual(logits)),
        ];
        Console.WriteLine($"{count} merges and unmerges of random adapters, {dtype}");
        foreach (var (what, isSame) in checks) Console.WriteLine($"  {what}: {(isSame ? "unchanged" : "CHANGED")}");
        return checks.TrueForAll(check => check.IsSame) ? 0 : 1;
    }

    private static void MergeRandom(AdapterFolder folder, DecodeRow row, int rank, bool runs)
    {
        using var adapter = RandomAdapter.Create(folder.Config, "random", Math.Max(rank, 1), folder.Weights.Dtype);
        var before = runs ? row.Run(adapter).ToArray() : [];
        using (var merged = folder.Merge(adapter, AdapterMerger.Allocate(folder.Weights, adapter)))
        {
            if (runs) row.Run(merged.Adapter);
        }

        if (runs && !row.Run(adapter).SequenceEqual(before)) throw new BenchmarkException("Logits after unmerging differ from those before merging.");
    }
}
