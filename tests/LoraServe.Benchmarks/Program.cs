// How fast LoraServe is on this machine. Commands of about two minutes at most, each with --help:
//
//   dotnet run -c Release --project tests/LoraServe.Benchmarks -- steps --model DIR
//   dotnet run -c Release --project tests/LoraServe.Benchmarks -- prefix --model DIR
//   dotnet run -c Release --project tests/LoraServe.Benchmarks -- starvation --model DIR
//   dotnet run -c Release --project tests/LoraServe.Benchmarks -- load --adapters base,extract,sentiment,sql,summarize
//
// steps measures single steps of the engine on a checkpoint, prefix the prefix cache, and starvation what a busy adapter does to another
// one; they need no server. load asks a server that runs already.
// Other work on the machine shows in every figure: leave it alone meanwhile.
using System.CommandLine;
using LoraServe.Benchmarks;
using LoraServe.Benchmarks.Fairness;
using LoraServe.Benchmarks.Load;
using LoraServe.Benchmarks.Prefixes;
using LoraServe.Benchmarks.Steps;
using Spectre.Console;

const int TableWidth = 180;

// A table in a file or a pipe has no terminal to fit into.
if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = TableWidth;

var root = new RootCommand("Measures how fast LoraServe is on this machine.")
{
    StepsCommand.Create(), PrefixCommand.Create(), StarvationCommand.Create(), LoadCommand.Create(),
};
try
{
    return await root.Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (BenchmarkException e)
{
    await Console.Error.WriteLineAsync(e.Message);
    return 1;
}
