using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;
using LoraServe.Text.Tokenizers;

namespace LoraServe.Generation;

/// <summary>
/// A running choice: reads its sequence's tokens and gives what each adds: the prompt's part if the request wants it, then a part for each token
/// that adds something; the last has the finish reason. For one reader. Disposing it cancels the sequence.
/// </summary>
internal sealed class ChoiceStream : ChannelReader<ChoicePart>, IDisposable
{
    private readonly GenerationParameters _parameters;
    private readonly GenerationPrompt _prompt;
    private readonly PromptText _text;
    private readonly TokenStream _sequence;
    private readonly IncrementalDetokenizer _detokenizer;
    private readonly StopStrings _stops;
    private readonly int _index;
    private Action<SequenceTimes>? _began;
    private readonly Tokenizer _tokenizer;
    private readonly bool _hidesSpecialTokens;
    private readonly bool _wantsTokens;
    private ChoicePart? _part; // that can be read
    private bool _isPromptDue;
    private bool _isCut; // by a stop string: the sequence is cancelled
    private int _offset;

    /// <param name="parameters">What was asked for.</param>
    /// <param name="tokenizer">Turns ids back into text.</param>
    /// <param name="index">The choice's index in the answer.</param>
    /// <param name="prompt">Its prompt.</param>
    /// <param name="text">The prompt's text, shared by its choices.</param>
    /// <param name="sequence">The running sequence; the choice disposes it.</param>
    public ChoiceStream(
        GenerationParameters parameters, Tokenizer tokenizer, int index, GenerationPrompt prompt, PromptText text, TokenStream sequence)
    {
        (_parameters, _index, _prompt, _text, _sequence) = (parameters, index, prompt, text, sequence);
        (_tokenizer, _hidesSpecialTokens) = (tokenizer, text.HidesSpecialTokens);
        _detokenizer = text.Detokenizer();
        _isPromptDue = parameters.EchoesPrompt || parameters.ReturnTokenIds || parameters.PromptLogprobs is not null;
        _wantsTokens = parameters.ReturnTokenIds || parameters.Alternatives is not null;
        _stops = new StopStrings(parameters.Stop?.Items ?? [], parameters.IncludeStopStrInOutput);
    }

    /// <summary>Tokens of its prompt.</summary>
    public int PromptTokens => _prompt.Ids.Count;

    /// <summary>Tokens generated so far, including the one that ended the choice.</summary>
    public int GeneratedTokens { get; private set; }

    /// <summary>Tokens of its prompt found in the prefix cache.</summary>
    public int CachedTokens => _sequence.CachedTokens;

    /// <summary>Maximum tokens of the choice.</summary>
    public int MaxTokens => _prompt.MaxTokens;

    /// <summary>Its sequence's times so far.</summary>
    public SequenceTimes Times => _sequence.Times;

    /// <summary>Called with the times of its first token; must be set before reading starts.</summary>
    public Action<SequenceTimes>? Began
    {
        get => _began;
        set => _began = value;
    }

    /// <summary>Why it ended; null while it runs, and if it was cancelled.</summary>
    public FinishReason? FinishReason { get; private set; }

    /// <inheritdoc/>
    public override bool TryRead([MaybeNullWhen(false)] out ChoicePart part)
    {
        if (!_isPromptDue) TryNext();
        (part, _part) = (_part, null);
        return part is not null;
    }

    /// <summary>Waits for a part, which <see cref="TryRead"/> then gives; false after the last one, once the engine has released the adapter.</summary>
    /// <exception cref="GenerationFailedException">The engine could not go on.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default)
    {
        if (_isPromptDue) (_part, _isPromptDue) = (await ReadPromptAsync(cancellationToken), false);
        while (!TryNext())
        {
            if (FinishReason is not null)
            {
                if (!_isCut) await _sequence.WhenEndedAsync(cancellationToken);
                return false;
            }

            if (await _sequence.Tokens.WaitToReadAsync(cancellationToken)) continue;
            FinishReason = Engine.Sequences.FinishReason.Length;
            _part = new ChoicePart { Index = _index, Text = "", FinishReason = FinishReason };
        }

        return true;
    }

    /// <summary>Reports once how long its first token took, or that there is none.</summary>
    /// <param name="times">Its times so far.</param>
    public void Begin(SequenceTimes times) => Interlocked.Exchange(ref _began, null)?.Invoke(times);

    /// <summary>Cancels the sequence; does nothing after its end.</summary>
    public void Dispose() => _sequence.Dispose();

    private async Task<ChoicePart> ReadPromptAsync(CancellationToken cancellationToken)
    {
        var logprobs = _parameters.PromptLogprobs is not null || (_parameters.EchoesPrompt && _parameters.Alternatives is not null)
            ? await _sequence.PromptLogprobs.WaitAsync(cancellationToken)
            : new TokenLogprobs?[_prompt.Ids.Count];
        var echoes = _parameters.EchoesPrompt;
        var tokens = _prompt.Ids.Select((id, i) => new LocatedToken(id, logprobs[i], echoes ? _text.Offsets[i] : 0)).ToList();
        var text = echoes ? _text.Value : "";
        return new ChoicePart { Index = _index, Text = text, Prompt = new EvaluatedPrompt(text, tokens) };
    }

    // Whether a part can be read, of the tokens that have come.
    private bool TryNext()
    {
        while (_part is null && FinishReason is null && _sequence.Tokens.TryRead(out var token))
        {
            var part = Next(token);
            if (_wantsTokens || part is { FinishReason: not null } or { Text.Length: > 0 }) _part = part;
            _isCut = FinishReason is not null && token.FinishReason is null;
            if (_isCut) _sequence.Dispose();
        }

        return _part is not null;
    }

    private void BeginText()
    {
        Begin(Times);
        // Without an echo too, as OpenAI counts; without logprobs no offsets are returned.
        if (_parameters.EchoesPrompt || _parameters.Alternatives is not null) _offset = _text.CodePoints;
    }

    private ChoicePart Next(GeneratedToken token)
    {
        GeneratedTokens++;
        if (GeneratedTokens == 1) BeginText();
        var isEndToken = token.FinishReason == Engine.Sequences.FinishReason.Stop;
        var text = isEndToken && !_parameters.IncludeStopStrInOutput ? "" : _detokenizer.Append(token.TokenId);
        if (token.FinishReason is not null) text += _detokenizer.Flush();
        var offset = _offset;
        _offset += PromptText.Count(text);
        var mayStop = GeneratedTokens >= _parameters.MinTokens;
        var certain = _stops.Append(text, mayStop);
        if (_hidesSpecialTokens && !isEndToken && _tokenizer.IsSpecial(token.TokenId))
            certain += _stops.AppendHidden(_tokenizer.TokenText(token.TokenId), mayStop);
        if (token.FinishReason is not null) certain += _stops.Flush();
        FinishReason = _stops.Found is not null ? Engine.Sequences.FinishReason.Stop : token.FinishReason;
        return new ChoicePart
        {
            Index = _index,
            Text = certain,
            Token = new LocatedToken(token.TokenId, token.Logprobs, offset),
            FinishReason = FinishReason,
            StopReason = _stops.Found is not null ? _stops.Found
                : isEndToken && _parameters.StopTokenIds?.Contains(token.TokenId) == true ? token.TokenId
                : null,
        };
    }
}
