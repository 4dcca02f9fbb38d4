using System.Runtime.CompilerServices;
using System.Text.Json;
using LoraServe.Api.Chat.Tools;
using LoraServe.Api.Requests;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Generation;
using LoraServe.Text.Templates;

namespace LoraServe.Api.Chat;

/// <summary>Turns conversations into prompts, by the template of the request, else of the adapter, else of the base model.</summary>
internal sealed class ChatPrompts(LlmEngine engine, LoraServeOptions options, PromptEncoder encoder, TimeProvider time) : IDisposable
{
    /// <summary>The request field of a template.</summary>
    private const string TemplateField = "chat_template";

    private readonly ConditionalWeakTable<ChatTemplate, ChatTemplateTraits> _traits = [];

    private readonly TemplateTurns _strangers = new(Environment.ProcessorCount);

    /// <summary>The prompts of one request, for all its adapters.</summary>
    /// <param name="request">A checked request.</param>
    /// <param name="owner">The request's owner: see <see cref="TemplateTurns"/>.</param>
    public RequestPrompts Of(ChatParameters request, string owner) => new(this, request, owner);

    /// <summary>The templates of an adapter, or the base's.</summary>
    public ChatTemplates TemplatesOf(AdapterLease adapter) => adapter.ChatTemplates ?? engine.ChatTemplates;

    /// <summary>Compiles a request's own template.</summary>
    /// <exception cref="InvalidRequestException">It is not a valid template.</exception>
    public Task<ChatTemplate> CompileAsync(string source, string owner, CancellationToken cancellationToken) => _strangers.RunAsync(
        owner,
        () =>
        {
            try
            {
                return ChatTemplate.Compile(source);
            }
            catch (InvalidChatTemplateException e)
            {
                throw new InvalidRequestException(TemplateField, e.Message);
            }
        },
        cancellationToken);

    /// <summary>The template of a model or an adapter.</summary>
    /// <param name="request">May name one of several.</param>
    /// <param name="templates">What there is.</param>
    /// <exception cref="InvalidRequestException">There is no template, or it cannot be used.</exception>
    public ChatTemplate Find(ChatParameters request, ChatTemplates templates)
    {
        if (templates.Names.Count == 0 && templates.Faults.Count == 0)
        {
            throw new InvalidRequestException(
                "messages",
                $"{engine.Model.Name} has no chat template. Send one as {TemplateField}, or use /v1/completions",
                "no_chat_template");
        }

        try
        {
            return templates.Find(request.ChatTemplate, request.ExpectsToolCalls);
        }
        catch (ChatTemplateException e)
        {
            throw new InvalidRequestException("messages", e.Message, "no_chat_template");
        }
    }

    /// <summary>The prompt as text.</summary>
    /// <param name="request">A checked request.</param>
    /// <param name="template">What makes the text.</param>
    /// <param name="templates">Defines the special tokens it sees.</param>
    /// <param name="owner">Whose request it is.</param>
    /// <param name="cancellationToken">Cancels waiting and rendering.</param>
    /// <exception cref="InvalidRequestException">
    /// The template refuses the conversation, fails, or has no place for something in the request.
    /// </exception>
    public async Task<ChatPrompt> RenderAsync(
        ChatParameters request, ChatTemplate template, ChatTemplates templates, string owner, CancellationToken cancellationToken)
    {
        var isStrangers = request.ChatTemplate is not null || templates != engine.ChatTemplates;
        return isStrangers
            ? await _strangers.RunAsync(owner, () => Render(request, template, templates, cancellationToken), cancellationToken)
            : Render(request, template, templates, cancellationToken);
    }

    /// <summary>The prompt's token ids.</summary>
    /// <exception cref="InvalidRequestException">It has no tokens, or can never fit.</exception>
    public IReadOnlyList<GenerationPrompt> Encode(ChatPrompt prompt, ChatParameters request, CancellationToken cancellationToken)
    {
        var keepsSpecialTokens = prompt.ToolCalls is { } format && ToolCallParsers.HasSpecialMarker(format, engine.Tokenizer);
        try
        {
            var encoded = encoder.Encode([new PromptInput(prompt.Text, null)], request, request.AddsSpecialTokens, "messages", cancellationToken);
            return [.. encoded.Select(item => item with { KeepsSpecialTokens = keepsSpecialTokens })];
        }
        catch (ContextLengthExceededException e)
        {
            throw new InvalidRequestException("messages", e.Message, "context_length_exceeded");
        }
    }

    public void Dispose() => _strangers.Dispose();

    private ChatPrompt Render(
        ChatParameters request, ChatTemplate template, ChatTemplates templates, CancellationToken cancellationToken)
    {
        var traits = _traits.GetValue(template, static template => new ChatTemplateTraits(template.Source));
        Check(request, traits);
        var format = request.ExpectsToolCalls ? Format(traits) : (ToolCallFormat?)null;
        var messages = request.Conversation!.Json;
        if (request.ContinueFinalMessage) FinalMessage.Check(messages);
        var marker = request.ContinueFinalMessage ? FinalMessage.NewMarker() : "";
        var input = new ChatTemplateInput
        {
            Messages = new ChatConversation(traits).Write(messages, marker),
            Tools = request.ExpectsToolCalls ? request.Tools!.Json : null,
            Documents = request.Documents?.Deserialize<JsonElement>(),
            AddGenerationPrompt = request.AddsGenerationPrompt,
            Variables = request.ChatTemplateKwargs?.ToDictionary(pair => pair.Key, pair => pair.Value.Deserialize<JsonElement>())
                ?? new Dictionary<string, JsonElement>(),
            Now = time.GetLocalNow(),
        };
        var text = Render(template, templates, input, cancellationToken);
        return new ChatPrompt(request.ContinueFinalMessage ? FinalMessage.Cut(text, marker) : text, format);
    }

    private static string Render(
        ChatTemplate template, ChatTemplates templates, ChatTemplateInput input, CancellationToken cancellationToken)
    {
        try
        {
            return templates.Render(template, input, cancellationToken);
        }
        catch (ChatTemplateException e)
        {
            throw new InvalidRequestException("messages", e.Message, "chat_template_failed");
        }
    }

    private static void Check(ChatParameters request, ChatTemplateTraits traits)
    {
        var faults = new RequestFaults();
        if (request.ExpectsToolCalls && !traits.ShowsTools) faults.Add(new RequestFault("tools", Unseen("tools"), "unsupported_parameter"));
        if (request.Documents is { Count: > 0 } && !traits.ShowsDocuments)
            faults.Add(new RequestFault("documents", Unseen("documents"), "unsupported_parameter"));
        faults.ThrowIfAny();

        static string Unseen(string what) =>
            $"are not supported by this model: its chat template has no place for {what}, so that it would never see them";
    }

    private ToolCallFormat Format(ChatTemplateTraits traits) => ToolCallParsers.Parse(options.ToolCallParser)
        ?? ToolCallParsers.Detect(traits.Text, engine.Tokenizer)
        ?? throw new InvalidRequestException(
            "tools",
            "are not supported by this model: neither its chat template nor its vocabulary shows how it writes calls. If you know, start the "
                + "server with --tool-call-parser, or use tool_choice = none",
            "unsupported_parameter");
}
