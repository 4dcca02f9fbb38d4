using System.Text.Json.Nodes;

namespace LoraServe.Tests.Api.Chat;

/// <summary>
/// The demo model with tokens that are pieces of tool calls. A request makes it generate them in an order of its own: each once, by
/// descending logit_bias, which the strongest repetition penalty takes away from a token that is there already.
/// </summary>
public sealed class ToolServer : LoraServeServer
{
    public const int Begin = 3071;
    public const int Name = 3070;
    public const int Arguments = 3069;
    public const int End = 3068;
    public const int Mistral = 3067;
    public const int Python = 3066;
    public const int Parameters = 3065;
    public const int Text = 3064;
    public const int Broken = 3063;

    private static readonly Dictionary<int, (string Text, bool IsSpecial)> Tokens = new()
    {
        [Begin] = ("<tool_call>", true),
        // Spaced unlike a template writes it: a prompt that had the token would keep it from being generated.
        [Name] = ("""{"name":"get_weather", """, false),
        [Arguments] = ("\"arguments\": {\"city\": \"Paris\"}}", false),
        [End] = ("</tool_call>", false),
        [Mistral] = ("[TOOL_CALLS]", true),
        [Python] = ("<|python_tag|>", true),
        [Parameters] = ("\"parameters\": {\"city\": \"Rome\"}}", false),
        [Text] = ("Let me see.", false),
        [Broken] = ("\"arguments\": {\"city\": }}", false),
    };

    private readonly string _model;

    public ToolServer()
        : this(Folder())
    {
    }

    private ToolServer(string model)
        : base(Settings(("Model", model))) => _model = model;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_model, recursive: true);
    }

    /// <summary>The part of a request that generates these tokens, and ends behind them.</summary>
    public static Dictionary<string, object> Generate(params int[] tokens) => new()
    {
        ["temperature"] = 0,
        ["repetition_penalty"] = 100,
        ["logit_bias"] = tokens.Append(End).Select((id, i) => (id, i)).ToDictionary(pair => $"{pair.id}", pair => 100 - 20 * pair.i),
        ["stop_token_ids"] = new[] { End },
    };

    private static string Folder()
    {
        var folder = Directory.CreateTempSubdirectory("loraserve-tools-").FullName;
        foreach (var file in Directory.GetFiles(Repository.File("src", "LoraServe", "Demo", "base")))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        var path = Path.Combine(folder, "tokenizer.json");
        var tokenizer = JsonNode.Parse(File.ReadAllText(path))!;
        var vocabulary = tokenizer["model"]!["vocab"]!.AsObject();
        var merges = tokenizer["model"]!["merges"]!.AsArray();
        foreach (var (id, token) in Tokens)
        {
            vocabulary.Remove(vocabulary.Single(pair => pair.Value!.GetValue<int>() == id).Key);
            merges.RemoveAt(merges.Count - 1);
            tokenizer["added_tokens"]!.AsArray().Add(new JsonObject
            {
                ["id"] = id,
                ["content"] = token.Text,
                ["special"] = token.IsSpecial,
                ["normalized"] = false,
                ["single_word"] = false,
                ["lstrip"] = false,
                ["rstrip"] = false,
            });
        }

        File.WriteAllText(path, tokenizer.ToJsonString());
        return folder;
    }
}
