using System.CommandLine;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Training;
using LoraServe.Engine.Training.Planning;
using LoraServe.Engine.Training.Results;
using LoraServe.Engine.Training.Settings;
using LoraServe.Plots;
using LoraServe.Training;

namespace LoraServe.Commands;

/// <summary>The subcommand train: trains an adapter, or a whole model, without a server.</summary>
internal sealed class TrainCommand
{
    private const string LogFile = "log.jsonl";
    private const string CurveFile = "loss.png";

    // Subfolders that a training replaces.
    private static readonly string[] Written = ["adapter", "model", "checkpoints"];

    private readonly EngineChoice _engine = new();
    private readonly TrainingOptions _options = new();
    private bool _hasCheckpoint;

    public static Command Create() => new TrainCommand().ToCommand();

    private Command ToCommand()
    {
        var command = new Command(
            "train",
            "Trains a LoRA adapter on your examples and writes it in PEFT's format. The base stays as it is. Ctrl-C saves a checkpoint; the same "
            + "command goes on from it.");
        foreach (var option in _options.Own.Concat(_engine.All).Concat(_options.Shared)) command.Add(option);
        command.SetAction((result, _) => CommandConsole.RunAsync(
            (temporary, cancellation) =>
            {
                CommandConsole.KeepToOwner(_options.Folder(result));
                return RunAsync(result, temporary, cancellation);
            },
            () => _hasCheckpoint
                ? $"Stopped. The same command goes on from the last checkpoint in {_options.Folder(result)}."
                : "Stopped, without a checkpoint: the same command begins anew."));
        return command;
    }

    private async Task RunAsync(ParseResult result, string temporary, CancellationToken cancellationToken)
    {
        var request = _options.Request(result);
        if (_options.StartsRandomly(result) && request.Hyperparameters.Method != TrainingMethod.Full)
            throw new InvalidTrainingException(["--random-start: expected --method full, since an adapter for random weights is of no use"]);
        CheckApart(request.Folder, _engine.Folder(result));
        await using var engine = _engine.Load(result, Path.Combine(temporary, "data"), weights: RandomWeights(result, temporary));
        var trainer = new LoraTrainer(engine);
        var plan = trainer.Prepare(request, cancellationToken);
        _hasCheckpoint = trainer.HasCheckpoint(plan);
        foreach (var warning in plan.Training.Warnings.Concat(plan.Validation?.Warnings ?? [])) Console.WriteLine($"warning: {warning}");
        foreach (var choice in plan.Choices) Console.WriteLine(choice);
        Console.WriteLine(
            $"{plan.Training.Examples.Count:N0} examples, {plan.TrainedParameters:N0} trained weights "
            + $"({(double)plan.TrainedParameters / engine.Model.Parameters:P2} of {engine.Model.Name}), {plan.Settings.Steps:N0} steps.");

        Directory.CreateDirectory(request.Folder);
        using var log = new TrainingLog(Path.Combine(request.Folder, LogFile), _hasCheckpoint);
        try
        {
            var ended = await ProgressBars.RunAsync(plan.Settings.Steps, progress =>
                trainer.RunAsync(plan, new Relay<TrainingEvent>(happened =>
                {
                    log.Write(happened);
                    progress.Show(happened);
                }), cancellationToken));
            Say(ended, engine, plan);
        }
        finally
        {
            _hasCheckpoint = trainer.HasCheckpoint(plan);
            if (log.Steps.Count > 0) await SaveCurveAsync(request.Folder, log, engine, plan);
        }
    }

    // The result would replace the model, or be mistaken for part of it.
    private static void CheckApart(string folder, string model)
    {
        if (IsIn(folder, model) || Array.Exists(Written, name => IsIn(model, Path.Combine(folder, name))))
            throw new InvalidTrainingException([$"--out: expected a folder apart from the model in {model}, found {folder}"]);
    }

    private static bool IsIn(string folder, string other)
    {
        var way = Path.GetRelativePath(other, folder);
        return way != ".." && !way.StartsWith($"..{Path.DirectorySeparatorChar}", StringComparison.Ordinal) && !Path.IsPathRooted(way);
    }

    private string? RandomWeights(ParseResult result, string temporary)
    {
        if (!_options.StartsRandomly(result)) return null;
        var folder = Directory.CreateDirectory(Path.Combine(temporary, "random")).FullName;
        RandomCheckpoint.Write(_engine.Folder(result), folder, _options.Request(result).Hyperparameters.Seed ?? 0);
        return folder;
    }

    private static void Say(TrainingResult ended, LlmEngine engine, TrainingPlan plan)
    {
        Console.WriteLine(
            $"Trained {ended.Steps:N0} steps on {ended.Tokens:N0} tokens in {ended.Elapsed:h\\:mm\\:ss}"
            + (ended.Validation is { } figures ? $"; step {ended.BestStep} is kept: {TrainingProgress.Describe(figures)}." : "."));
        Console.WriteLine(plan.Settings.Method == TrainingMethod.Full
            ? $"The model is in {ended.Folder}; serve it: loraserve --model {ended.Folder}"
            : $"The adapter is in {ended.Folder}; serve it beside others of {engine.Model.Name}: "
                + $"tar -czf - -C {ended.Folder} . | curl -T - localhost:8080/v1/adapters/NAME");
    }

    private static async Task SaveCurveAsync(string folder, TrainingLog log, LlmEngine engine, TrainingPlan plan)
    {
        var data = Path.GetFileNameWithoutExtension(plan.Request.TrainingFile);
        var targets = plan.Request.Hyperparameters.TargetModules ?? plan.Settings.TargetModules;
        var title = plan.Settings.Method == TrainingMethod.Full
            ? $"{data} on {engine.Model.Name}: full fine-tuning"
            : $"{data} on {engine.Model.Name}: r = {plan.Settings.Rank} on {string.Join(", ", targets)}";
        var file = Path.Combine(folder, CurveFile);
        try
        {
            await File.WriteAllBytesAsync(file, LossCurve.Png(title, log.Steps, log.Evaluations), CancellationToken.None);
            Console.WriteLine($"The loss curve is in {file}.");
        }
        // The reason why the training ended must be reported, not this one.
        catch (Exception e)
        {
            Console.Error.WriteLine($"The loss curve cannot be saved: {e.Message}");
        }
    }
}
