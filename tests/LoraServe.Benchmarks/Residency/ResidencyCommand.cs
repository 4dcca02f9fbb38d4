using System.CommandLine;
using Spectre.Console;

namespace LoraServe.Benchmarks.Residency;

/// <summary>The command line of the residency benchmark.</summary>
internal static class ResidencyCommand
{
    private const string ModelVariable = "LORASERVE_MODEL";

    public static Command Create()
    {
        var model = new Option<DirectoryInfo?>("--model")
        {
            Description = $"Folder of a checkpoint. Default: what {ModelVariable} names.",
            HelpName = "DIR",
        };
        var dtype = new Option<string>("--dtype")
        {
            Description = "Compute type. In bfloat16 the rounding of a batch may differ from that of a row alone, and so may answers.",
            DefaultValueFactory = _ => "float32",
        };
        dtype.AcceptOnlyFromAmong("bfloat16", "float32");
        var threads = BoundedOption.Create("--threads", "Threads that compute.", Environment.ProcessorCount, 1, 1024);
        var adapters = BoundedOption.Create("--adapters", "Registered adapters.", 2000, 1, 100_000);
        var resident = BoundedOption.Create("--resident", "Adapters that memory is given for.", 32, 1, 100_000);
        var requests = BoundedOption.Create("--requests", "Requests in all.", 1000, 1, 1_000_000);
        var concurrency = BoundedOption.Create("--concurrency", "Requests at the same time.", 16, 1, 1024);
        var tokens = BoundedOption.Create("--tokens", "Tokens of each answer.", 4, 1, 32);
        var samples = BoundedOption.Create("--samples", "Answers to compare with solo runs.", 50, 1, 100_000);
        var command = new Command("residency", "Serves many registered adapters with memory for a few, and checks that nothing fails and no answer changes.")
        {
            model, dtype, threads, adapters, resident, requests, concurrency, tokens, samples,
        };
        command.SetAction(async (result, _) =>
        {
            var folder = result.GetValue(model)?.FullName ?? Environment.GetEnvironmentVariable(ModelVariable)
                ?? throw new BenchmarkException($"Name the folder of a checkpoint with --model or in {ModelVariable}.");
            var options = new ResidencyOptions(
                folder,
                result.GetValue(dtype)!,
                result.GetValue(threads),
                result.GetValue(adapters),
                result.GetValue(resident),
                result.GetValue(requests),
                result.GetValue(concurrency),
                result.GetValue(tokens),
                result.GetValue(samples));
            var root = Directory.CreateTempSubdirectory("loraserve-residency-").FullName;
            try
            {
                ResidencyReport.Print(AnsiConsole.Console, options, await new ResidencyBenchmark(options, root).RunAsync());
            }
            finally
            {
                Directory.Delete(root, recursive: true);
            }
        });
        return command;
    }
}
