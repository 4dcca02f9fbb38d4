using System.CommandLine;

namespace LoraServe.Benchmarks.Merging;

/// <summary>Options shared by the merging commands.</summary>
internal static class MergingOptions
{
    private const string ModelVariable = "LORASERVE_MODEL";
    private const string AdaptersVariable = "LORASERVE_ADAPTERS";

    public static Option<DirectoryInfo?> Model() => new("--model")
    {
        Description = $"Folder of a checkpoint. Default: what {ModelVariable} names.",
        HelpName = "DIR",
    };

    public static Option<DirectoryInfo?> Adapters() => new("--adapters")
    {
        Description = $"Folder whose sub-folders are adapters. Default: what {AdaptersVariable} names.",
        HelpName = "DIR",
    };

    public static Option<string> Dtype()
    {
        var dtype = new Option<string>("--dtype") { Description = "Compute type.", DefaultValueFactory = _ => "bfloat16" };
        dtype.AcceptOnlyFromAmong("bfloat16", "float32");
        return dtype;
    }

    public static Option<int> Threads() => BoundedOption.Create("--threads", "Threads that compute.", Environment.ProcessorCount, 1, 1024);

    /// <exception cref="BenchmarkException">Neither the option nor the environment variable is set.</exception>
    public static string Folder(ParseResult result, Option<DirectoryInfo?> option) =>
        result.GetValue(option)?.FullName
        ?? Environment.GetEnvironmentVariable(option.Name == "--model" ? ModelVariable : AdaptersVariable)
        ?? throw new BenchmarkException(
            $"Name a folder with {option.Name} or in {(option.Name == "--model" ? ModelVariable : AdaptersVariable)}.");
}
