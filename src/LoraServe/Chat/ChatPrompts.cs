using System.Text.Json;
using LoraServe.Chat.Tools;
using LoraServe.Engine.Adapters;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Tokenization.Templates;
using LoraServe.Generation;
using LoraServe.Hosting;

namespace LoraServe.Chat;

/// <summary>Turns conversations into prompts, by the template of the request, else of the adapter, else of the base model.</summary>
internal sealed class ChatPrompts(EngineService service, LoraServeOptions options, PromptEncoder encoder, TimeProvider time)
{
    /// <summary>Where a request's own template is at fault.</summary>
    private const string TemplateField = "chat_template";

    /// <summary>The prompt's token ids.</summary>
    /// <exception cref="InvalidRequestException">It has no tokens.</exception>
    /// <exception cref="ContextLengthExceededException">It can never fit.</exception>
    public IReadOnlyList<GenerationPrompt> Encode(ChatPrompt prompt, ChatParameters request)
    {
        try
        {
            return encoder.Encode([new PromptInput(prompt.Text, null)], request, request.AddsSpecialTokens, "messages");
        }
        catch (ContextLengthExceededException e)
        {
            throw new InvalidRequestException("messages", e.Message, "context_length_exceeded");
        }
    }

    /// <summary>The prompt as text.</summary>
    /// <param name="request">A checked request.</param>
    /// <param name="adapter">What answers it.</param>
    /// <exception cref="InvalidRequestException">
    /// There is no template, it cannot be used or refuses the conversation, or it has no place for what the request brings.
    /// </exception>
    public ChatPrompt Render(ChatParameters request, AdapterLease adapter)
    {
        var templates = adapter.ChatTemplates ?? service.Engine.ChatTemplates;
        var template = Template(request, templates);
        var traits = new ChatTemplateTraits(template.Source);
        Check(request, traits);
        var format = request.ExpectsToolCalls ? Format(traits) : (ToolCallFormat?)null;
        var messages = new ChatConversation(traits).Write(request.Conversation!.Json);
        var text = Render(template, templates, new ChatTemplateInput
        {
            Messages = messages,
            Tools = request.ExpectsToolCalls ? request.Tools!.Json : null,
            Documents = request.Documents?.Deserialize<JsonElement>(),
            AddGenerationPrompt = request.AddsGenerationPrompt,
            Variables = request.ChatTemplateKwargs?.ToDictionary(pair => pair.Key, pair => pair.Value.Deserialize<JsonElement>())
                ?? new Dictionary<string, JsonElement>(),
            Now = time.GetLocalNow(),
        });
        return new ChatPrompt(request.ContinueFinalMessage ? FinalMessage.Cut(text, messages) : text, format);
    }

    private static void Check(ChatParameters request, ChatTemplateTraits traits)
    {
        var faults = new List<RequestFault>();
        if (request.ExpectsToolCalls && !traits.ShowsTools) faults.Add(new RequestFault("tools", Unseen("tools"), "unsupported_parameter"));
        if (request.Documents is { Count: > 0 } && !traits.ShowsDocuments)
            faults.Add(new RequestFault("documents", Unseen("documents"), "unsupported_parameter"));
        if (faults.Count > 0) throw new InvalidRequestException(faults);

        static string Unseen(string what) =>
            $"are not supported by this model: its chat template has no place for {what}, so that it would never see them";
    }

    private ChatTemplate Template(ChatParameters request, ChatTemplates templates)
    {
        try
        {
            // As with transformers, it may be the name of one of the model's templates.
            var name = request.ChatTemplate is { } named && templates.Names.Contains(named) ? named : null;
            if (request.ChatTemplate is { } own && name is null) return ChatTemplate.Compile(own);
            return templates.Names.Count > 0 || templates.Faults.Count > 0
                ? templates.Find(name, request.ExpectsToolCalls)
                : throw new InvalidRequestException(
                    "messages",
                    $"{service.BaseModel} has no chat template. Send one as {TemplateField}, or use /v1/completions",
                    "no_chat_template");
        }
        catch (InvalidChatTemplateException e)
        {
            throw new InvalidRequestException(TemplateField, e.Message);
        }
        catch (ChatTemplateException e)
        {
            throw new InvalidRequestException("messages", e.Message, "no_chat_template");
        }
    }

    private static string Render(ChatTemplate template, ChatTemplates templates, ChatTemplateInput input)
    {
        try
        {
            return templates.Render(template, input);
        }
        catch (ChatTemplateException e)
        {
            throw new InvalidRequestException("messages", e.Message, "chat_template_failed");
        }
    }

    private ToolCallFormat Format(ChatTemplateTraits traits) => ToolCallParsers.Parse(options.ToolCallParser)
        ?? ToolCallParsers.Detect(traits.Text, service.Engine.Tokenizer)
        ?? throw new InvalidRequestException(
            "tools",
            "are not supported by this model: neither its chat template nor its vocabulary shows how it writes calls. If you know, start the "
                + "server with --tool-call-parser, or use tool_choice = none",
            "unsupported_parameter");
}
