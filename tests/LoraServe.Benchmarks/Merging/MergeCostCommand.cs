using System.CommandLine;
using System.Runtime.CompilerServices;
using LoraServe.Engine;
using LoraServe.Engine.Models;
using Spectre.Console;
using TorchSharp;

namespace LoraServe.Benchmarks.Merging;

/// <summary>The command that measures what a merge costs and what a step on merged weights costs.</summary>
internal static class MergeCostCommand
{
    public static Command Create()
    {
        var (model, adapters, dtype, threads) = (MergingOptions.Model(), MergingOptions.Adapters(), MergingOptions.Dtype(), MergingOptions.Threads());
        var rounds = BoundedOption.Create("--rounds", "Rounds for each adapter.", 20, 3, 10_000);
        var context = BoundedOption.Create("--context", "Tokens before the one that the step computes.", 128, 1, 1 << 16);
        var command = new Command("merge-cost", "Measures decode steps of one row on the base, beside it and merged, and the merge itself.")
        {
            model, adapters, dtype, threads, rounds, context,
        };
        command.SetAction(result =>
        {
            RuntimeHelpers.RunModuleConstructor(typeof(NativeLibraries).Module.ModuleHandle);
            NativeLibraries.Load();
            torch.set_num_threads(result.GetValue(threads));
            var folder = AdapterFolder.Load(
                MergingOptions.Folder(result, model), MergingOptions.Folder(result, adapters), ComputeDtype.Parse(result.GetValue(dtype)!));
            using var mode = torch.inference_mode();
            using var row = new DecodeRow(folder, result.GetValue(context));
            Print([.. folder.Adapters.Keys.Select(name => MergeCost.Measure(folder, name, row, result.GetValue(rounds)))]);
        });
        return command;
    }

    private static void Print(IReadOnlyList<MergeCost> costs)
    {
        var table = new Table().Border(TableBorder.Markdown);
        table.AddColumn("adapter");
        foreach (var column in (string[])["base ms", "unmerged ms", "merged ms", "merged/base, paired", "unmerged/base", "merge ms", "merge/base", "MB"])
            table.AddColumn(new TableColumn(column).RightAligned());
        foreach (var cost in costs)
        {
            var alone = cost.Base.Quantile(0.5);
            var (unmerged, merged, merge) = (cost.Unmerged.Quantile(0.5), cost.Merged.Quantile(0.5), cost.Merge.Quantile(0.5));
            table.AddRow(
                cost.Adapter, $"{alone:F1}", $"{unmerged:F1}", $"{merged:F1}", $"{cost.MergedToBase.Quantile(0.5):F3}", $"{unmerged / alone:F3}",
                $"{merge:F1}", $"{merge / alone:F2}", $"{cost.Bytes / 1e6:F0}");
        }

        AnsiConsole.Console.WriteLine("median milliseconds of steps of one row");
        AnsiConsole.Console.Write(table);
    }
}
