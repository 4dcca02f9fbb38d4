using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using LoraServe.Engine.Training;
using LoraServe.Engine.Training.Ranks;
using LoraServe.Engine.Training.Results;
using LoraServe.Engine.Training.Settings;
using LoraServe.Hosting;
using LoraServe.Plots;
using LoraServe.Reports;
using LoraServe.Training;
using Spectre.Console;

namespace LoraServe.Commands;

/// <summary>The subcommand rank: trains a task with different ranks and recommends one.</summary>
internal sealed class RankCommand
{
    // In a pipe; finished trainings are printed at once.
    private static readonly TimeSpan LineEvery = TimeSpan.FromMinutes(1);

    private const int DefaultSeeds = 3;

    private readonly EngineChoice _engine = new();
    private readonly HyperparameterOptions _hyperparameters = new();

    private readonly Option<string> _data = new("--data") { Description = "JSONL file of examples to train on.", HelpName = "FILE", Required = true };
    private readonly Option<string> _test = new("--test") { Description = "JSONL file of held-out examples.", HelpName = "FILE", Required = true };
    private readonly Option<string> _out = new("--out")
    {
        Description = "Folder for report.html, rank.json and pictures. Trainings that ended are not made again in the same folder.",
        HelpName = "DIR",
        Required = true,
    };

    private readonly Option<string> _ranks = List("--ranks", "Ranks to try.", "1,2,4,8,16,32");
    private readonly Option<string> _targets = List("--targets", "Placements to try: attention, all-linear, or names of modules with + between them.", "all-linear");
    private readonly Option<string> _sizes = List("--data-sizes", "Numbers of training examples to try, from the first on. Default: all.", "");
    private readonly Option<int?> _seeds = ValueOption.Number<int>("--seeds", $"Trainings of each setting. Default: {DefaultSeeds}.");

    private readonly Option<bool> _noFull = new("--no-full") { Description = "Do not compare with full fine-tuning." };
    private readonly Option<double?> _fullRate = ValueOption.Number<double>(
        "--full-learning-rate", "Learning rate of full fine-tuning. Default: a tenth of LoRA's.");

    private readonly Option<bool> _keep = new("--keep") { Description = "Keep the trained adapters, not only what was found." };

    private RankCommand()
    {
        _data.WithRule(PathRules.FileFault);
        _test.WithRule(PathRules.FileFault);
        _ranks.Validators.Add(result => CheckNumbers(result, "--ranks"));
        _sizes.Validators.Add(result => CheckNumbers(result, "--data-sizes"));
    }

    public static Command Create() => new RankCommand().ToCommand();

    private Command ToCommand()
    {
        var command = new Command(
            "rank",
            "Trains the same task with different ranks, and with full fine-tuning, and says with a report which rank it needs. Ctrl-C stops; the same "
            + "command goes on.")
        {
            _data, _test, _out, _ranks, _targets, _sizes, _seeds, _noFull, _fullRate, _keep,
        };
        foreach (var option in _engine.All.Concat(_hyperparameters.All)) command.Add(option);
        command.SetAction((result, _) => CommandConsole.RunAsync(
            (temporary, cancellation) =>
            {
                CommandConsole.KeepToOwner(result.GetValue(_out)!);
                return RunAsync(result, temporary, cancellation);
            },
            () => $"Stopped. The same command goes on with what is in {result.GetValue(_out)}."));
        return command;
    }

    private async Task RunAsync(ParseResult result, string temporary, CancellationToken cancellationToken)
    {
        var request = Request(result);
        await using var engine = _engine.Load(result, temporary);
        var study = new RankStudy(new LoraTrainer(engine));
        foreach (var rule in study.Check(request, cancellationToken)) Console.WriteLine(rule);
        var found = await ShowAsync(progress => study.RunAsync(request, progress, cancellationToken));

        TerminalTable.Write(RankTable.Columns, [.. found.Rows.Select(RankTable.Cells)]);
        Console.WriteLine(found.Recommendation);
        var folder = request.Training.Folder;
        var origin = ReportOrigin.Of(engine.Model, "loraserve " + string.Join(' ', result.Tokens.Select(token => token.Value)));
        var plots = RankPlots.Of(found);
        foreach (var plot in plots) await File.WriteAllBytesAsync(Path.Combine(folder, $"{plot.Name}.png"), plot.Png, cancellationToken);
        await File.WriteAllTextAsync(
            Path.Combine(folder, "rank.json"),
            JsonSerializer.Serialize(new { origin, study = found }, ReportJson.Options),
            cancellationToken);
        var report = Path.Combine(folder, "report.html");
        await File.WriteAllTextAsync(report, RankReport.Html(found, plots, origin), cancellationToken);
        Console.WriteLine($"The report is in {report}.");
    }

    private static Task<RankStudyResult> ShowAsync(Func<IProgress<RankStudyProgress>, Task<RankStudyResult>> run)
    {
        if (!Terminal.IsInteractive)
        {
            var last = Stopwatch.GetTimestamp();
            return run(new Relay<RankStudyProgress>(progress =>
            {
                if (progress.Event is StepMade && Stopwatch.GetElapsedTime(last) < LineEvery) return;
                if (Text(progress.Event) is not { } text) return;
                last = Stopwatch.GetTimestamp();
                Console.WriteLine($"{progress.Done + 1}/{progress.Total} {progress.Current}: {text}");
            }));
        }

        return ProgressBars.Create().StartAsync(context =>
        {
            var bar = context.AddTask("beginning");
            return run(new Relay<RankStudyProgress>(progress =>
            {
                var text = Text(progress.Event);
                (bar.MaxValue, bar.Value) = (progress.Total, progress.Done);
                bar.Description = Markup.Escape(
                    $"{progress.Done}/{progress.Total} {progress.Current}{(progress.Event is StepMade ? $": {text}" : "")}");
                if (progress.Event is Evaluated or Note) Terminal.WriteLine($"{progress.Current}: {text}");
            }));
        });
    }

    private static string? Text(TrainingEvent? happened) => happened switch
    {
        StepMade step => $"step {step.Step}, loss {step.Loss:F4}",
        Evaluated evaluated => TrainingProgress.Describe(evaluated.Figures),
        Note note => note.Text,
        _ => null,
    };

    private RankStudyRequest Request(ParseResult result) => new()
    {
        Training = new TrainingRequest
        {
            TrainingFile = result.GetValue(_data)!,
            Folder = result.GetValue(_out)!,
            Hyperparameters = _hyperparameters.Read(result),
        },
        TestFile = result.GetValue(_test),
        Ranks = Numbers(result.GetValue(_ranks)!),
        Targets = [.. Split(result.GetValue(_targets)!).Select(target => target.Replace('+', ','))],
        DataSizes = Numbers(result.GetValue(_sizes)!),
        Seeds = result.GetValue(_seeds) ?? DefaultSeeds,
        IncludesFull = !result.GetValue(_noFull),
        FullLearningRate = result.GetValue(_fullRate),
        KeepsAdapters = result.GetValue(_keep),
    };

    private static Option<string> List(string name, string description, string byDefault) =>
        new(name) { Description = description, HelpName = "LIST", DefaultValueFactory = _ => byDefault };

    private static void CheckNumbers(System.CommandLine.Parsing.OptionResult result, string name)
    {
        if (result.Tokens is [var token] && !Split(token.Value).All(part => int.TryParse(part, out _)))
            result.AddError($"{name}: expected whole numbers with commas between them, found '{token.Value}'");
    }

    private static IReadOnlyList<int> Numbers(string list) => [.. Split(list).Select(int.Parse)];

    private static string[] Split(string list) => list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
