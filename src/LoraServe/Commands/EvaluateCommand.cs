using System.CommandLine;
using System.Text.Json;
using LoraServe.Api.FineTuning;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Training;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Results;
using LoraServe.Engine.Training.Settings;
using LoraServe.Hosting;
using LoraServe.Reports;
using LoraServe.Training;
using Spectre.Console;

namespace LoraServe.Commands;

/// <summary>The subcommand evaluate: compares adapters, and the base, on a data set.</summary>
internal sealed class EvaluateCommand
{
    private readonly EngineChoice _engine = new();

    private readonly Option<string[]> _adapters = new("--adapter")
    {
        Description = "Folders of PEFT adapters.",
        HelpName = "DIR",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [],
    };

    private readonly Option<bool> _base = new("--base") { Description = "Evaluate the bare base model too." };
    private readonly Option<string> _data = new("--data") { Description = "JSONL file of held-out examples.", HelpName = "FILE", Required = true };
    private readonly Option<int?> _generate = ValueOption.Number<int>(
        "--generate", "Examples, from the first on, that are generated and compared; 0 for none. Default: all.", least: 0);

    private readonly Option<int?> _show = ValueOption.Number<int>(
        "--show", "Examples to show, those with a wrong answer first. Default: 0.", least: 0);

    private readonly Option<string?> _json = new("--json") { Description = "File to write all figures and answers to.", HelpName = "FILE" };
    private readonly Option<bool> _skipTooLong = new("--skip-too-long")
    {
        Description = "Leave out examples that are too long, naming them, instead of refusing the data.",
    };

    private EvaluateCommand()
    {
        _adapters.WithRule(PathRules.AdapterFault);
        _data.WithRule(PathRules.FileFault);
        _json.WithRule(PathRules.OutputFault);
    }

    public static Command Create() => new EvaluateCommand().ToCommand();

    private Command ToCommand()
    {
        var command = new Command(
            "evaluate", "Compares adapters, and the bare base, on held-out examples: loss, perplexity, token accuracy, exact match of greedy answers.")
        {
            _adapters, _base, _data, _generate, _show, _json, _skipTooLong,
        };
        foreach (var option in _engine.All) command.Add(option);
        command.SetAction((result, _) => CommandConsole.RunAsync(
            (temporary, cancellation) => RunAsync(result, temporary, cancellation), () => "Stopped."));
        return command;
    }

    private async Task RunAsync(ParseResult result, string temporary, CancellationToken cancellationToken)
    {
        var folders = result.GetValue(_adapters)!;
        if (folders.Length == 0 && !result.GetValue(_base)) throw new InvalidTrainingException(["Name at least one --adapter, or --base."]);
        var root = Directory.CreateDirectory(Path.Combine(temporary, "adapters")).FullName;
        var names = EvaluatedAdapters.Copy(folders, root);
        await using var engine = _engine.Load(result, Path.Combine(temporary, "data"), root);
        var trainer = new LoraTrainer(engine);
        var data = trainer.ReadDataset(result.GetValue(_data)!, result.GetValue(_skipTooLong), cancellationToken);
        foreach (var warning in data.Warnings) Console.WriteLine($"warning: {warning}");
        var generate = Math.Min(result.GetValue(_generate) ?? int.MaxValue, data.Examples.Count);

        var columns = (result.GetValue(_base) ? [("base", AdapterLease.Base)] : new List<(string Title, Func<AdapterLease> Acquire)>())
            .Concat(folders.Zip(names, (folder, name) => (EvaluatedAdapters.Title(folder), Acquire(engine, name)))).ToList();
        var evaluated = new List<(string Title, Evaluation Evaluation)>();
        foreach (var (title, acquire) in columns)
        {
            using var lease = acquire();
            evaluated.Add((title, await EvaluateAsync(trainer, lease, title, data, generate, cancellationToken)));
        }

        Write(evaluated);
        Show(evaluated, result.GetValue(_show) ?? 0);
        if (result.GetValue(_json) is { } json) await SaveAsync(json, evaluated, cancellationToken);
    }

    private static Func<AdapterLease> Acquire(LlmEngine engine, string name) =>
        () => engine.Adapters.AcquireAsync(name, CancellationToken.None).AsTask().GetAwaiter().GetResult();

    private static async Task<Evaluation> EvaluateAsync(
        LoraTrainer trainer, AdapterLease lease, string title, TrainingDataset data, int generate, CancellationToken cancellationToken)
    {
        if (!Terminal.IsInteractive) return await trainer.EvaluateAsync(lease, data, generate, progress: null, cancellationToken);
        return await ProgressBars.Create().StartAsync(context =>
        {
            var bar = context.AddTask(Markup.Escape(title), maxValue: data.Examples.Count);
            return trainer.EvaluateAsync(lease, data, generate, new Relay<ExampleResult>(_ => bar.Increment(1)), cancellationToken);
        });
    }

    private static void Write(IReadOnlyList<(string Title, Evaluation Evaluation)> evaluated) => TerminalTable.Write(
        ["adapter", "loss", "perplexity", "token accuracy", "exact match", "examples"],
        [.. evaluated.Select(item => (IReadOnlyList<string>)
        [
            item.Title,
            $"{item.Evaluation.Figures.Loss:F4}",
            $"{item.Evaluation.Figures.Perplexity:F3}",
            $"{item.Evaluation.Figures.TokenAccuracy:P1}",
            item.Evaluation.Figures.ExactMatch is { } match ? $"{match:P1} of {item.Evaluation.Figures.GeneratedExamples}" : "",
            $"{item.Evaluation.Figures.Examples:N0}",
        ])]);

    private static void Show(IReadOnlyList<(string Title, Evaluation Evaluation)> evaluated, int count)
    {
        foreach (var (title, evaluation) in evaluated)
        {
            foreach (var example in evaluation.Examples.OrderBy(example => example.IsExactMatch ?? true).ThenBy(example => example.Line).Take(count))
            {
                Console.WriteLine($"{title}, line {example.Line}, loss {example.Loss:F4}");
                Console.WriteLine($"  expected: {Terminal.Printable(example.Expected)}");
                if (example.Output is { } output) Console.WriteLine($"  answer:   {Terminal.Printable(output)}");
            }
        }
    }

    // JSON cannot express numbers that are not finite: they become null.
    private static Task SaveAsync(
        string file, IReadOnlyList<(string Title, Evaluation Evaluation)> evaluated, CancellationToken cancellationToken) =>
        File.WriteAllTextAsync(
            file,
            JsonSerializer.Serialize(
                evaluated.Select(item => new
                {
                    adapter = item.Title,
                    figures = FiguresResource.From(item.Evaluation.Figures),
                    examples = item.Evaluation.Examples.Select(example => new
                    {
                        example.Line,
                        loss = FiguresResource.Finite(example.Loss),
                        example.Expected,
                        example.Output,
                        example.IsExactMatch,
                    }),
                }),
                ReportJson.Options),
            cancellationToken);
}
