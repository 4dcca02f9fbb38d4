using System.CommandLine;
using LoraServe.Benchmarks;
using LoraServe.Benchmarks.Damage;
using LoraServe.Benchmarks.Fairness;
using LoraServe.Benchmarks.Hostile;
using LoraServe.Benchmarks.Kills;
using LoraServe.Benchmarks.Load;
using LoraServe.Benchmarks.Merging;
using LoraServe.Benchmarks.Peers;
using LoraServe.Benchmarks.Prefixes;
using LoraServe.Benchmarks.Residency;
using LoraServe.Benchmarks.Steps;
using LoraServe.Benchmarks.Streams;
using LoraServe.Benchmarks.Templates;
using LoraServe.Benchmarks.Training;
using Spectre.Console;
// How fast LoraServe is on this machine, and how safely it stores adapters. Each command takes a few minutes at most and has --help:
//
//   dotnet run -c Release --project tests/LoraServe.Benchmarks -- steps --model DIR
//   dotnet run -c Release --project tests/LoraServe.Benchmarks -- peers --model DIR --gguf FILE
//   dotnet run -c Release --project tests/LoraServe.Benchmarks -- prefix --model DIR
//   dotnet run -c Release --project tests/LoraServe.Benchmarks -- starvation --model DIR
//   dotnet run -c Release --project tests/LoraServe.Benchmarks -- load --adapters base,extract,sentiment,sql,summarize
//   dotnet run -c Release --project tests/LoraServe.Benchmarks -- merge-cost --model DIR --adapters DIR
//   dotnet run -c Release --project tests/LoraServe.Benchmarks -- merge-traces --model DIR
//   dotnet run -c Release --project tests/LoraServe.Benchmarks -- merges --model DIR --count 200
//   dotnet run -c Release --project tests/LoraServe.Benchmarks -- residency --model DIR
//   dotnet run -c Release --project tests/LoraServe.Benchmarks -- streams --model DIR
//   dotnet run -c Release --project tests/LoraServe.Benchmarks -- kills --count 100
//   dotnet run -c Release --project tests/LoraServe.Benchmarks -- damage --count 200
//   dotnet run -c Release --project tests/LoraServe.Benchmarks -- training-kills --count 20
//   dotnet run -c Release --project tests/LoraServe.Benchmarks -- training-serving --model DIR
//   dotnet run -c Release --project tests/LoraServe.Benchmarks -- templates --count 1000000
//   dotnet run -c Release --project tests/LoraServe.Benchmarks -- train --model DIR
//   dotnet run -c Release --project tests/LoraServe.Benchmarks -- hostile --count 20000
//
// load needs a running server; the others need none. steps measures single engine steps on a checkpoint, peers compares
// them with LLamaSharp, prefix the prefix cache, starvation
// how a busy adapter delays another one, merge-cost the cost of a merge, and merge-traces automatic merging against always and never merging.
// merges checks that merging leaves no trace, residency serves 2,000 adapters with memory for 32, and kills kills a process while it changes
// adapters and checks the store it leaves. damage damages a data folder as disks and backups may. training-kills kills trainings, and
// training-serving measures how a training slows down requests. train measures training steps and their memory, templates renders mutated
// chat templates, and hostile sends thousands of invalid requests to all routes and checks responses, times, memory and log.
// streams measures what streaming over HTTP costs beside the same engine in the same process.
// Other work on the machine affects every figure: leave it idle meanwhile.

const int TableWidth = 180;

// A table in a file or a pipe has no terminal to fit into.
if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = TableWidth;

var root = new RootCommand("Measures how fast LoraServe is on this machine.")
{
    StepsCommand.Create(), PeersCommand.Create(), PeersCommand.CreateWorker(), MergeCostCommand.Create(), MergesCommand.Create(), MergeTracesCommand.Create(), PrefixCommand.Create(),
    StarvationCommand.Create(), LoadCommand.Create(), ResidencyCommand.Create(), KillsCommand.Create(), KillsCommand.CreateWorker(), DamageCommand.Create(),
    TemplatesCommand.Create(), TrainCommand.Create(), TrainingKillsCommand.Create(), TrainingKillsCommand.CreateWorker(), ServingCommand.Create(),
    HostileCommand.Create(), StreamsCommand.Create(),
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
