using System.CommandLine;
using System.Globalization;
using LoraServe.Engine.Training.Settings;
using LoraServe.Hosting;

namespace LoraServe.Commands;

/// <summary>The options of the subcommand train besides those of the engine: what to train, on what, and how.</summary>
internal sealed class TrainingOptions
{
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

    public TrainingOptions()
    {
        _data.WithRule(PathRules.FileFault);
        _validation.WithRule(PathRules.FileFault);
    }

    /// <summary>Options of this subcommand alone.</summary>
    public IEnumerable<Option> Own =>
    [
        _data, _out, _validation, _split, _rank, _targets, _rankPattern, _alphaPattern, _method, _randomStart, _evaluateEvery, _earlyStopping, _outputDtype,
    ];

    /// <summary>Options shared with other subcommands.</summary>
    public IEnumerable<Option> Shared => _hyperparameters.All;

    /// <summary>The folder of the result.</summary>
    public string Folder(ParseResult result) => result.GetValue(_out)!;

    /// <summary>Whether training starts from random weights.</summary>
    public bool StartsRandomly(ParseResult result) => result.GetValue(_randomStart);

    /// <summary>The requested training.</summary>
    public TrainingRequest Request(ParseResult result) => new()
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
