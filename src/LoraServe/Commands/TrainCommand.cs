using System.CommandLine;
using System.Globalization;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Training;
using LoraServe.Engine.Training.Planning;
using LoraServe.Engine.Training.Results;
using LoraServe.Engine.Training.Settings;
using LoraServe.Hosting;
using LoraServe.Plots;
using LoraServe.Training;

namespace LoraServe.Commands;

/// <summary>The subcommand train: trains an adapter, or a whole model, without a server.</summary>
internal sealed class TrainCommand
{
    private const string LogFile = "log.jsonl";
    private const string CurveFile = "loss.png";

    // Sub-folders that a training replaces.
    private static readonly string[] Written = ["adapter", "model", "checkpoints"];

    private readonly EngineChoice _engine = new();
    private readonly HyperparameterOptions _hyperparameters = new();

    private readonly Option<string> _data = new("--data")
    {
        Description = """JSONL file of examples: {"prompt": ..., "completion": ...} or {"messages": [...]} a line.""",
        HelpName = "FILE",
        Required = true,
    };

    private readonly Option<string> _out = new("--out")
    {
        Description = "Folder for the adapter, checkpoints, the log and the loss curve. With checkpoints of the same training, it goes on.",
        HelpName = "DIR",
        Required = true,
    };

    private readonly Option<string?> _validation = new("--validation") { Description = "JSONL file of held-out examples.", HelpName = "FILE" };
    private readonly Option<double?> _split = ValueOption.Number<double>(
        "--validation-split", "Part of the examples that is held out, such as 0.1, instead of --validation.");

    private readonly Option<TrainingMethod?> _method = ValueOption.Name<TrainingMethod>(
        "--method", "lora, or full: every weight in a copy of the model. Default: lora.");

    private readonly Option<bool> _randomStart = new("--random-start")
    {
        Description = "With --method full: begin with random weights of the model's shape, drawn from --seed, instead of its own.",
    };

    private readonly Option<int?> _rank = ValueOption.Number<int>("--r", "Rank of the updates. Default: chosen.");
    private readonly Option<string?> _targets = new("--targets")
    {
        Description = "Modules that get an update: attention, all-linear, or names with commas between them such as q_proj,v_proj. Default: chosen.",
        HelpName = "LIST",
    };

    private readonly Option<string[]> _rankPattern = Pattern(
        "--rank-pattern", "Ranks of single modules by the end of their paths: layers.0.self_attn.q_proj=4 ...");
    private readonly Option<string[]> _alphaPattern = Pattern("--alpha-pattern", "Alphas of single modules, likewise.");
    private readonly Option<int?> _evaluateEvery = ValueOption.Number<int>(
        "--evaluate-every", "Steps between two evaluations on the held-out examples. Default: chosen.");

    private readonly Option<int?> _earlyStopping = ValueOption.Number<int>(
        "--early-stopping", "Evaluations without a better one after which training ends; 0 for never. Default: chosen.");

    private readonly Option<string?> _outputDtype = ValueOption.Name(
        "--output-dtype", "Type of the adapter's file: float32 or bfloat16. Default: float32.", "float32", "bfloat16");

    private bool _hasCheckpoint;

    private TrainCommand()
    {
        _data.WithRule(PathRules.FileFault);
        _validation.WithRule(PathRules.FileFault);
    }

    public static Command Create() => new TrainCommand().ToCommand();

    private Command ToCommand()
    {
        var command = new Command(
            "train",
            "Trains a LoRA adapter on your examples and writes it in PEFT's format. The base stays as it is. Ctrl-C saves a checkpoint; the same "
            + "command goes on from it.")
        {
            _data, _out, _validation, _split, _rank, _targets, _rankPattern, _alphaPattern, _method, _randomStart, _evaluateEvery, _earlyStopping, _outputDtype,
        };
        foreach (var option in _engine.All.Concat(_hyperparameters.All)) command.Add(option);
        command.SetAction((result, _) => CommandConsole.RunAsync(
            (temporary, cancellation) =>
            {
                CommandConsole.KeepToOwner(result.GetValue(_out)!);
                return RunAsync(result, temporary, cancellation);
            },
            () => _hasCheckpoint
                ? $"Stopped. The same command goes on from the last checkpoint in {result.GetValue(_out)}."
                : "Stopped, without a checkpoint: the same command begins anew."));
        return command;
    }

    private async Task RunAsync(ParseResult result, string temporary, CancellationToken cancellationToken)
    {
        var request = Request(result);
        if (result.GetValue(_randomStart) && request.Hyperparameters.Method != TrainingMethod.Full)
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

    // The result would take the place of the model, or be taken for a part of it.
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
        if (!result.GetValue(_randomStart)) return null;
        var folder = Directory.CreateDirectory(Path.Combine(temporary, "random")).FullName;
        RandomCheckpoint.Write(_engine.Folder(result), folder, _hyperparameters.Read(result).Seed ?? 0);
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
        // Why the training ended is what is to be told.
        catch (Exception e)
        {
            Console.Error.WriteLine($"The loss curve cannot be saved: {e.Message}");
        }
    }

    private TrainingRequest Request(ParseResult result) => new()
    {
        TrainingFile = result.GetValue(_data)!,
        ValidationFile = result.GetValue(_validation),
        ValidationSplit = result.GetValue(_split) ?? 0,
        Folder = result.GetValue(_out)!,
        Hyperparameters = _hyperparameters.Read(result) with
        {
            Method = result.GetValue(_method) ?? TrainingMethod.Lora,
            Rank = result.GetValue(_rank),
            TargetModules = result.GetValue(_targets)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            RankPattern = Read(result.GetValue(_rankPattern)!, value => int.Parse(value, CultureInfo.InvariantCulture)),
            AlphaPattern = Read(result.GetValue(_alphaPattern)!, value => double.Parse(value, CultureInfo.InvariantCulture)),
            EvaluateEvery = result.GetValue(_evaluateEvery),
            EarlyStopping = result.GetValue(_earlyStopping),
            OutputDtype = result.GetValue(_outputDtype),
        },
    };

    private static Dictionary<string, T> Read<T>(string[] pairs, Func<string, T> value)
    {
        var read = new Dictionary<string, T>(StringComparer.Ordinal);
        foreach (var pair in pairs) read[pair[..pair.LastIndexOf('=')]] = value(pair[(pair.LastIndexOf('=') + 1)..]);
        return read;
    }

    private static Option<string[]> Pattern(string name, string description)
    {
        var option = new Option<string[]>(name)
        {
            Description = description,
            HelpName = "MODULE=NUMBER",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };
        option.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => !IsPair(token.Value, name == "--rank-pattern")))
                result.AddError($"{name}: expected pairs like layers.0.self_attn.q_proj=4, found '{token.Value}'");
        });
        return option;
    }

    private static bool IsPair(string text, bool isWhole) => text.LastIndexOf('=') is > 0 and var at
        && (isWhole ? int.TryParse(text[(at + 1)..], CultureInfo.InvariantCulture, out _) : double.TryParse(text[(at + 1)..], CultureInfo.InvariantCulture, out _));
}
