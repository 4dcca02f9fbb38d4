using System.Text.Json;

namespace LoraServe.Text.Templates;

/// <summary>
/// What the folder of a model or an adapter says about the text of conversations: its templates, and the special tokens that they see as
/// variables. Immutable and safe for concurrent use. A template that cannot be used is no obstacle to loading: rendering with it tells why.
/// </summary>
public sealed class ChatTemplates
{
    private const string ToolUse = "tool_use";

    private readonly Dictionary<string, ChatTemplate> _templates;
    private readonly List<string> _faults;
    private readonly Lazy<string> _specialTokensIdentity;

    private ChatTemplates(
        IReadOnlyDictionary<string, JsonElement> specialTokens, Dictionary<string, ChatTemplate> templates, List<string> faults) =>
        (SpecialTokens, _templates, _faults, _specialTokensIdentity) = (specialTokens, templates, faults, new Lazy<string>(() =>
            JsonSerializer.Serialize(new SortedDictionary<string, JsonElement>(specialTokens.ToDictionary(), StringComparer.Ordinal))));

    /// <summary>No templates and no special tokens.</summary>
    public static ChatTemplates None { get; } = new(new Dictionary<string, JsonElement>(), [], []);

    /// <summary>The names of the templates; the only one is called default where the folder does not name it.</summary>
    public IReadOnlyCollection<string> Names => _templates.Keys;

    /// <summary>bos_token, eos_token and the like: texts, and the list additional_special_tokens.</summary>
    public IReadOnlyDictionary<string, JsonElement> SpecialTokens { get; }

    /// <summary>The special tokens in one text that is the same for the same.</summary>
    public string SpecialTokensIdentity => _specialTokensIdentity.Value;

    /// <summary>Why files or templates of the folder cannot be used; empty if all can.</summary>
    public IReadOnlyList<string> Faults => _faults;

    /// <summary>
    /// Reads chat_template.jinja, additional_chat_templates/NAME.jinja, tokenizer_config.json and special_tokens_map.json, as far as they are
    /// there, and compiles the templates. A file with a template wins over chat_template in tokenizer_config.json.
    /// </summary>
    public static ChatTemplates Load(string folder) => Load(ChatTemplateFiles.Read(folder, isAdapter: false));

    /// <summary>The same for an adapter, which can bring chat_template.jinja and tokenizer_config.json.</summary>
    public static ChatTemplates LoadOfAdapter(string folder) => Load(ChatTemplateFiles.Read(folder, isAdapter: true));

    private static ChatTemplates Load(ChatTemplateFiles files)
    {
        var templates = new ChatTemplates(
            files.SpecialTokens, new Dictionary<string, ChatTemplate>(StringComparer.Ordinal), [.. files.Faults]);
        foreach (var (name, source) in files.Sources) templates.Add(name, source);
        return templates;
    }

    /// <summary>The template that a conversation is rendered with.</summary>
    /// <param name="name">Which one; null is tool_use where there are tools and such a template, and default otherwise.</param>
    /// <param name="hasTools">Whether the conversation comes with tools.</param>
    /// <exception cref="ChatTemplateException">There is none, or it cannot be used.</exception>
    public ChatTemplate Find(string? name, bool hasTools)
    {
        name ??= hasTools && _templates.ContainsKey(ToolUse) ? ToolUse : ChatTemplateFiles.Default;
        if (_templates.TryGetValue(name, out var template)) return template;
        if (_faults.Count > 0) throw new ChatTemplateException($"The model's chat template cannot be used: {string.Join("; ", _faults)}");
        if (_templates.Count == 0) throw new ChatTemplateException("The model has no chat template.");
        throw new ChatTemplateException($"The model has no chat template '{name}', only {string.Join(", ", _templates.Keys.Order(StringComparer.Ordinal))}.");
    }

    /// <summary>These templates with special tokens of the base where the folder names none.</summary>
    public ChatTemplates WithSpecialTokensOf(ChatTemplates other)
    {
        var tokens = new Dictionary<string, JsonElement>(other.SpecialTokens, StringComparer.Ordinal);
        foreach (var (name, token) in SpecialTokens) tokens[name] = token;
        return new ChatTemplates(tokens, _templates, _faults);
    }

    /// <summary>What decides the text of conversations, in one text that is the same for the same.</summary>
    public string Identity => JsonSerializer.Serialize(new
    {
        Templates = _templates.OrderBy(template => template.Key, StringComparer.Ordinal).Select(template => new[] { template.Key, template.Value.Source }),
        SpecialTokens = new SortedDictionary<string, JsonElement>(SpecialTokens.ToDictionary(), StringComparer.Ordinal),
    });

    /// <summary>The text of a conversation.</summary>
    /// <param name="input">Its variables win over special tokens of the same name.</param>
    /// <param name="name">
    /// Which template; null is tool_use where tools are given and there is such a template, and default otherwise.
    /// </param>
    /// <param name="cancellation">Ends the rendering.</param>
    /// <exception cref="ChatTemplateException">There is no such template, it cannot be used, or rendering fails.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public string Render(ChatTemplateInput input, string? name = null, CancellationToken cancellation = default) =>
        Render(Find(name, input.Tools is not null), input, cancellation);

    /// <summary>The text of a conversation by a template of the caller's, with these special tokens.</summary>
    /// <exception cref="ChatTemplateException">Rendering fails.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public string Render(ChatTemplate template, ChatTemplateInput input, CancellationToken cancellation = default)
    {
        var variables = new Dictionary<string, JsonElement>(SpecialTokens, StringComparer.Ordinal);
        foreach (var (name, value) in input.Variables) variables[name] = value;
        return template.Render(input with { Variables = variables }, cancellation);
    }

    private void Add(string name, string source)
    {
        try
        {
            _templates.Add(name, ChatTemplate.Compile(source));
        }
        catch (InvalidChatTemplateException e)
        {
            _faults.Add(name == ChatTemplateFiles.Default ? $"chat_template: {e.Message}" : $"chat_template '{name}': {e.Message}");
        }
    }
}
