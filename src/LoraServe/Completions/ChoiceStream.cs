using System.Runtime.CompilerServices;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Tokenization;

namespace LoraServe.Completions;

/// <summary>
/// One choice in the making: reads its sequence's tokens and yields what each adds to the choice. Disposing it cancels the sequence.
/// </summary>
internal sealed class ChoiceStream : IDisposable
{
    private readonly CompletionRequest _request;
    private readonly Tokenizer _tokenizer;
    private readonly IReadOnlyList<int> _prompt;
    private readonly string? _promptText;
    private readonly TokenStream _sequence;
    private readonly IncrementalDetokenizer _detokenizer;
    private readonly StopStrings _stops;
    private readonly int _index;
    private int _offset;

    /// <param name="request">What was asked for.</param>
    /// <param name="tokenizer">Turns ids back into text.</param>
    /// <param name="index">The choice's place in the answer.</param>
    /// <param name="prompt">Its prompt as ids.</param>
    /// <param name="promptText">The prompt as it was sent, or null when ids were sent.</param>
    /// <param name="sequence">The running sequence; the choice disposes it.</param>
    public ChoiceStream(
        CompletionRequest request, Tokenizer tokenizer, int index, IReadOnlyList<int> prompt, string? promptText, TokenStream sequence)
    {
        _request = request;
        _tokenizer = tokenizer;
        _index = index;
        _prompt = prompt;
        _promptText = promptText;
        _sequence = sequence;
        _detokenizer = new IncrementalDetokenizer(tokenizer, request.SkipSpecialTokens, [.. prompt]);
        _stops = new StopStrings(request.Stop?.Items ?? [], request.IncludeStopStrInOutput);
    }

    /// <summary>Tokens generated so far, the one that ended the choice included.</summary>
    public int GeneratedTokens { get; private set; }

    /// <summary>Tokens of its prompt that an earlier request had computed already.</summary>
    public int CachedTokens => _sequence.CachedTokens;

    /// <summary>
    /// Yields the prompt's part if the request wants it, then a part for each token that adds something; the last has the finish reason.
    /// </summary>
    /// <exception cref="GenerationFailedException">The engine could not go on.</exception>
    public async IAsyncEnumerable<CompletionChoice> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (_request.Echo || _request.ReturnTokenIds || _request.PromptLogprobs is not null)
            yield return await ReadPromptAsync(cancellationToken);
        await foreach (var token in _sequence.Tokens.ReadAllAsync(cancellationToken))
        {
            var part = Next(token);
            if (part is { FinishReason: not null } or { Text.Length: > 0 } or { Logprobs: not null } or { TokenIds: not null })
                yield return part;
            if (part.FinishReason is null) continue;
            // The engine lets go of the adapter before it ends the sequence.
            if (token.FinishReason is not null) await _sequence.Tokens.Completion.WaitAsync(cancellationToken);
            yield break;
        }

        yield return new CompletionChoice { Index = _index, Text = "", FinishReason = Name(FinishReason.Length) };
    }

    /// <summary>Tells the engine to stop working on the sequence; does nothing after its end.</summary>
    public void Dispose() => _sequence.Dispose();

    private async Task<CompletionChoice> ReadPromptAsync(CancellationToken cancellationToken)
    {
        var logprobs = _request.Logprobs is not null || _request.PromptLogprobs is not null
            ? await _sequence.PromptLogprobs.WaitAsync(cancellationToken)
            : [];
        var text = _request.Echo ? _promptText ?? _tokenizer.Decode([.. _prompt], _request.SkipSpecialTokens) : "";
        _offset = CodePoints(text);
        return new CompletionChoice
        {
            Index = _index,
            Text = text,
            Logprobs = _request.Echo && _request.Logprobs is { } top
                ? LogprobsWriter.Join(LocatePrompt(text, logprobs), _tokenizer, top)
                : null,
            PromptLogprobs = _request.PromptLogprobs is { } alternatives
                ? LogprobsWriter.OfPrompt(_tokenizer, _prompt, logprobs, alternatives)
                : null,
            PromptTokenIds = _request.ReturnTokenIds ? _prompt : null,
        };
    }

    private List<(int, TokenLogprobs?, int)> LocatePrompt(string text, IReadOnlyList<TokenLogprobs?> logprobs)
    {
        var detokenizer = new IncrementalDetokenizer(_tokenizer, skipSpecialTokens: false);
        var rest = text.AsSpan();
        var offset = 0;
        var located = new List<(int, TokenLogprobs?, int)>(_prompt.Count);
        for (var i = 0; i < _prompt.Count; i++)
        {
            var id = _prompt[i];
            located.Add((id, logprobs[i], offset));
            // The tokenizer added it to the text that was sent, or decoding left it out.
            if (_tokenizer.IsSpecial(id) && !rest.StartsWith(_tokenizer.TokenText(id), StringComparison.Ordinal)) continue;
            var piece = detokenizer.Append(id);
            rest = rest[Math.Min(piece.Length, rest.Length)..];
            offset += CodePoints(piece);
        }

        return located;
    }

    private CompletionChoice Next(GeneratedToken token)
    {
        GeneratedTokens++;
        var isEndToken = token.FinishReason == FinishReason.Stop;
        var text = isEndToken && !_request.IncludeStopStrInOutput ? "" : _detokenizer.Append(token.TokenId);
        if (token.FinishReason is not null) text += _detokenizer.Flush();
        var offset = _offset;
        _offset += CodePoints(text);
        var certain = _stops.Append(text, GeneratedTokens >= _request.MinTokens);
        if (token.FinishReason is not null) certain += _stops.Flush();
        return new CompletionChoice
        {
            Index = _index,
            Text = certain,
            Logprobs = _request.Logprobs is { } top ? LogprobsWriter.Of(_tokenizer, token.TokenId, token.Logprobs, top, offset) : null,
            FinishReason = _stops.Found is not null ? Name(FinishReason.Stop) : token.FinishReason is { } reason ? Name(reason) : null,
            StopReason = _stops.Found is not null ? _stops.Found
                : isEndToken && _request.StopTokenIds?.Contains(token.TokenId) == true ? token.TokenId
                : null,
            TokenIds = _request.ReturnTokenIds ? [token.TokenId] : null,
        };
    }

    private static string Name(FinishReason reason) => reason == FinishReason.Stop ? "stop" : "length";

    private static int CodePoints(string text)
    {
        var count = 0;
        foreach (var _ in text.EnumerateRunes()) count++;
        return count;
    }
}
