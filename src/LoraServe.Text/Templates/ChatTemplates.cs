using System.Text.Json;

namespace LoraServe.Text.Templates;

/// <summary>
/// The chat templates of a model or an adapter, with the special tokens that they use as variables. Immutable and safe for concurrent use.
/// An unusable template does not prevent loading: rendering with it reports the fault.
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

    /// <summary>The names of the templates; a single unnamed one is called default.</summary>
    public IReadOnlyCollection<string> Names => _templates.Keys;

    /// <summary>bos_token, eos_token and the like: strings, and the list additional_special_tokens.</summary>
    public IReadOnlyDictionary<string, JsonElement> SpecialTokens { get; }

    /// <summary>A canonical text of the special tokens: equal for equal special tokens.</summary>
    public string SpecialTokensIdentity => _specialTokensIdentity.Value;

    /// <summary>Why files or templates of the folder cannot be used; empty if all can.</summary>
    public IReadOnlyList<string> Faults => _faults;

    /// <summary>
    /// Reads chat_template.jinja, additional_chat_templates/NAME.jinja, tokenizer_config.json and special_tokens_map.json, as far as they
    /// exist, and compiles the templates. Template files take precedence over chat_template in tokenizer_config.json.
    /// </summary>
    public static ChatTemplates Load(string folder) => Load(ChatTemplateFiles.Read(folder, isAdapter: false));

    /// <summary>The same for an adapter, which may contain chat_template.jinja and tokenizer_config.json.</summary>
    public static ChatTemplates LoadOfAdapter(string folder) => Load(ChatTemplateFiles.Read(folder, isAdapter: true));

    private static ChatTemplates Load(ChatTemplateFiles files)
    {
        var templates = new ChatTemplates(
            files.SpecialTokens, new Dictionary<string, ChatTemplate>(StringComparer.Ordinal), [.. files.Faults]);
        foreach (var (name, source) in files.Sources) templates.Add(name, source);
        return templates;
    }

    /// <summary>Finds the template for a conversation.</summary>
    /// <param name="name">The template's name; null selects tool_use if there are tools and such a template, else default.</param>
    /// <param name="hasTools">Whether the conversation has tools.</param>
    /// <exception cref="ChatTemplateException">There is no such template, or it is unusable.</exception>
    public ChatTemplate Find(string? name, bool hasTools)
    {
        name ??= hasTools && _templates.ContainsKey(ToolUse) ? ToolUse : ChatTemplateFiles.Default;
        if (_templates.TryGetValue(name, out var template)) return template;
        if (_faults.Count > 0) throw new ChatTemplateException($"The model's chat template cannot be used: {string.Join("; ", _faults)}");
        if (_templates.Count == 0) throw new ChatTemplateException("The model has no chat template.");
        throw new ChatTemplateException($"The model has no chat template '{name}', only {string.Join(", ", _templates.Keys.Order(StringComparer.Ordinal))}.");
    }

    /// <summary>These templates, with the special tokens of the base that this folder does not define.</summary>
    public ChatTemplates WithSpecialTokensOf(ChatTemplates other)
    {
        var tokens = new Dictionary<string, JsonElement>(other.SpecialTokens, StringComparer.Ordinal);
        foreach (var (name, token) in SpecialTokens) tokens[name] = token;
        return new ChatTemplates(tokens, _templates, _faults);
    }

    /// <summary>A canonical text of everything that affects rendering: equal for equal templates and special tokens.</summary>
    public string Identity => JsonSerializer.Serialize(new
    {
        Templates = _templates.OrderBy(template => template.Key, StringComparer.Ordinal).Select(template => new[] { template.Key, template.Value.Source }),
        SpecialTokens = new SortedDictionary<string, JsonElement>(SpecialTokens.ToDictionary(), StringComparer.Ordinal),
    });

    /// <summary>The text of a conversation.</summary>
    /// <param name="input">Its variables override special tokens of the same name.</param>
    /// <param name="name">
    /// The template's name; null selects tool_use if tools are given and there is such a template, else default.
    /// </param>
    /// <param name="cancellation">Ends the rendering.</param>
    /// <exception cref="ChatTemplateException">There is no such template, it is unusable, or rendering fails.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public string Render(ChatTemplateInput input, string? name = null, CancellationToken cancellation = default) =>
        Render(Find(name, input.Tools is not null), input, cancellation);

    /// <summary>Renders a conversation with the caller's template and these special tokens.</summary>
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
