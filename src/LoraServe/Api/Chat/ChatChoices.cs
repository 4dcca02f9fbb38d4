using LoraServe.Api.Chat.Tools;
using LoraServe.Generation;
using LoraServe.Text.Tokenizers;

namespace LoraServe.Api.Chat;

/// <summary>Turns the parts of a run into the choices of a chat response.</summary>
/// <param name="request">What was asked for.</param>
/// <param name="tokenizer">Turns ids back into text.</param>
/// <param name="toolCalls">The notation of calls; null if none are expected.</param>
internal sealed class ChatChoices(ChatParameters request, Tokenizer tokenizer, ToolCallFormat? toolCalls)
{
    private readonly Dictionary<int, ChatMessageStream> _streams = [];

    /// <summary>The chunks of a stream for a part, in order.</summary>
    public IEnumerable<ChatChunkChoice> Chunks(ChoicePart part)
    {
        if (!_streams.TryGetValue(part.Index, out var stream)) _streams[part.Index] = stream = new ChatMessageStream(NewParser());
        var isFirst = stream.PartCount == 0;
        var call = stream.CallCount;
        var delta = stream.Append(part);
        List<ChatDelta> deltas = [];
        if (isFirst)
        {
            deltas.Add(new ChatDelta { Role = "assistant", Content = "" });
            if (request.Echoed is { Length: > 0 } echoed) deltas.Add(new ChatDelta { Content = echoed });
        }

        var lead = deltas.Count;
        // A token whose text is held back still has a log-probability.
        var tells = part.Token is not null && (request.Logprobs || request.ReturnTokenIds);
        if (delta.Content.Length > 0 || (tells && part.FinishReason is null)) deltas.Add(new ChatDelta { Content = delta.Content });
        deltas.AddRange(delta.ToolCalls.SelectMany(tool => Deltas(tool, call++)));
        if (part.FinishReason is not null) deltas.Add(new ChatDelta());

        var carrier = Math.Min(lead, deltas.Count - 1);
        for (var i = 0; i < deltas.Count; i++)
        {
            var isLast = i == deltas.Count - 1;
            yield return new ChatChunkChoice
            {
                Index = part.Index,
                Delta = deltas[i],
                Logprobs = i == carrier && request.Logprobs && part.Token is { } token ? Logprobs([token]) : null,
                FinishReason = isLast ? stream.Name(part.FinishReason) : null,
                StopReason = isLast ? part.StopReason : null,
                TokenIds = i == carrier && request.ReturnTokenIds && part.Token is { Id: var id } ? [id] : null,
            };
        }
    }

    /// <summary>A whole choice.</summary>
    /// <param name="parts">All of its parts, at least one.</param>
    public ChatChoice Of(IReadOnlyList<ChoicePart> parts)
    {
        var stream = new ChatMessageStream(NewParser());
        var deltas = parts.Select(stream.Append).ToList();
        var content = request.Echoed + string.Concat(deltas.Select(delta => delta.Content));
        var calls = deltas.SelectMany(delta => delta.ToolCalls).Select(Whole).ToList();
        var tokens = parts.Where(part => part.Token is not null).Select(part => part.Token!.Value).ToList();
        return new ChatChoice
        {
            Index = parts[0].Index,
            Message = new ChatAnswer
            {
                Content = calls.Count > 0 && content.Length == 0 ? null : content,
                ToolCalls = calls.Count > 0 ? calls : null,
            },
            Logprobs = request.Logprobs ? Logprobs(tokens) : null,
            FinishReason = stream.Name(parts[^1].FinishReason)!,
            StopReason = parts[^1].StopReason,
            TokenIds = request.ReturnTokenIds ? [.. tokens.Select(token => token.Id)] : null,
        };
    }

    /// <summary>The ids of the prompt, if requested.</summary>
    public IReadOnlyList<int>? PromptTokenIds(ChoicePart first) =>
        request.ReturnTokenIds && first.Prompt is { } prompt ? [.. prompt.Tokens.Select(token => token.Id)] : null;

    /// <summary>The log-probabilities of the prompt, if requested.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, PromptLogprob>?>? PromptLogprobs(ChoicePart first) =>
        request.PromptLogprobs is { } top && first.Prompt is { } prompt ? PromptLogprob.Of(prompt, tokenizer, top) : null;

    private static IEnumerable<ChatDelta> Deltas(ToolCall call, int index) =>
    [
        new()
        {
            ToolCalls = [new() { Index = index, Id = call.Id, Type = "function", Function = new() { Name = call.Name, Arguments = "" } }],
        },
        new() { ToolCalls = [new() { Index = index, Function = new() { Arguments = call.Arguments } }] },
    ];

    private static ChatToolCall Whole(ToolCall call) =>
        new() { Id = call.Id, Function = new ChatFunctionCall { Name = call.Name, Arguments = call.Arguments } };

    private ToolCallParser? NewParser() =>
        toolCalls is { } format ? ToolCallParsers.Create(format, request.Tools!.Names, request.ParallelToolCalls) : null;

    private ChatLogprobs Logprobs(IEnumerable<LocatedToken> tokens) => ChatLogprobs.Of(tokens, tokenizer, request.TopLogprobs ?? 0);
}
