using System.Runtime.CompilerServices;
using System.Text.Json;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Sampling;
using LoraServe.Text.Templates;
using Microsoft.Extensions.AI;

namespace LoraServe.Engine.Chat;

/// <summary>
/// Text conversations with a <see cref="LocalModel"/>. <see cref="ChatOptions.ModelId"/> names the adapter of a request. Unsupported
/// options, such as tools, are refused.
/// </summary>
internal sealed class LocalChatClient(LocalModel model, string? adapter) : IChatClient
{
    /// <inheritdoc/>
    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    /// <inheritdoc/>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        CheckOptions(options);
        var name = options?.ModelId ?? adapter;
        using var lease = await model.AcquireAsync(name == model.Engine.Model.Name ? null : name, cancellationToken);
        var prompt = model.Engine.Tokenizer.Encode(Render(messages, options, lease, cancellationToken), addSpecialTokens: false, cancellation: cancellationToken);
        using var text = model.Start(prompt, lease, Sampling(options, prompt.Length));
        var id = $"chatcmpl-{Guid.NewGuid():N}";
        await foreach (var part in text.ReadAsync(cancellationToken))
        {
            if (part.Length > 0 || text.FinishReason is not null) yield return Update(part, text, id, name);
        }
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        if (serviceType == typeof(ChatClientMetadata)) return new ChatClientMetadata("loraserve", defaultModelId: adapter ?? model.Engine.Model.Name);
        return serviceType.IsInstanceOfType(this) ? this : serviceType.IsInstanceOfType(model) ? model : null;
    }

    /// <summary>Does nothing: the model belongs to its creator.</summary>
    public void Dispose()
    {
    }

    private ChatResponseUpdate Update(string part, GeneratedText text, string id, string? name)
    {
        var update = new ChatResponseUpdate(ChatRole.Assistant, part) { ResponseId = id, MessageId = id, ModelId = name ?? model.Engine.Model.Name };
        if (text.FinishReason is not { } reason) return update;
        update.FinishReason = reason == Sequences.FinishReason.Length ? ChatFinishReason.Length : ChatFinishReason.Stop;
        update.Contents.Add(new UsageContent(new UsageDetails
        {
            InputTokenCount = text.PromptTokens,
            OutputTokenCount = text.Tokens,
            TotalTokenCount = text.PromptTokens + text.Tokens,
        }));
        return update;
    }

    private string Render(IEnumerable<ChatMessage> messages, ChatOptions? options, AdapterLease lease, CancellationToken cancellationToken)
    {
        var turns = messages.Select(message => new { role = message.Role.Value, content = TextOf(message) }).ToList();
        if (options?.Instructions is { Length: > 0 } instructions) turns.Insert(0, new { role = "system", content = instructions });
        if (turns.Count == 0) throw new ArgumentException("A conversation needs at least one message.", nameof(messages));
        var templates = lease.ChatTemplates ?? model.Engine.ChatTemplates;
        var template = templates.Find(name: null, hasTools: false);
        var input = new ChatTemplateInput
        {
            Messages = new ChatConversation(new ChatTemplateTraits(template.Source)).Write(JsonSerializer.SerializeToElement(turns)),
            AddGenerationPrompt = true,
            Now = TimeProvider.System.GetLocalNow(),
        };
        return templates.Render(template, input, cancellationToken);
    }

    private static string TextOf(ChatMessage message) => message.Contents.FirstOrDefault(content => content is not (TextContent or UsageContent)) is { } other
        ? throw new NotSupportedException($"Messages of text are supported, not {other.GetType().Name}.")
        : message.Text;

    private SamplingParams Sampling(ChatOptions? options, int promptTokens)
    {
        var recommended = model.Engine.Model.DefaultSampling;
        return recommended with
        {
            Temperature = options?.Temperature ?? recommended.Temperature,
            TopP = options?.TopP ?? recommended.TopP,
            TopK = options?.TopK ?? recommended.TopK,
            PresencePenalty = options?.PresencePenalty ?? recommended.PresencePenalty,
            FrequencyPenalty = options?.FrequencyPenalty ?? recommended.FrequencyPenalty,
            Seed = options?.Seed,
            MaxTokens = options?.MaxOutputTokens ?? model.Engine.RoomAfter(promptTokens),
        };
    }

    private static void CheckOptions(ChatOptions? options)
    {
        if (options is null) return;
        List<string> refused = [];
        if (options.Tools is { Count: > 0 }) refused.Add(nameof(options.Tools));
        if (options.ResponseFormat is not (null or ChatResponseFormatText)) refused.Add(nameof(options.ResponseFormat));
        if (options.StopSequences is { Count: > 0 }) refused.Add(nameof(options.StopSequences));
        if (options.ConversationId is not null) refused.Add(nameof(options.ConversationId));
        if (refused.Count > 0) throw new NotSupportedException($"Not supported in the process: {string.Join(", ", refused)}.");
    }
}
