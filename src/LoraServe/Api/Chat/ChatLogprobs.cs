using LoraServe.Generation;
using LoraServe.Text.Tokenizers;

namespace LoraServe.Api.Chat;

/// <summary>Log-probabilities of an answer's tokens.</summary>
public sealed record ChatLogprobs
{
    /// <summary>One for each generated token, those of tool calls included.</summary>
    public required IReadOnlyList<ChatTokenLogprob> Content { get; init; }

    /// <summary>Always null.</summary>
    /// <example>null</example>
    public IReadOnlyList<ChatTokenLogprob>? Refusal { get; init; }

    /// <summary>The log-probabilities of consecutive tokens.</summary>
    internal static ChatLogprobs Of(IEnumerable<LocatedToken> tokens, Tokenizer tokenizer, int top) => new()
    {
        Content = [.. tokens.Where(token => token.Logprobs is not null).Select(token => Of(token, tokenizer, top))],
    };

    private static ChatTokenLogprob Of(LocatedToken token, Tokenizer tokenizer, int top) => new()
    {
        Token = tokenizer.TokenText(token.Id),
        Logprob = token.Logprobs!.Logprob,
        Bytes = Bytes(tokenizer, token.Id),
        TopLogprobs =
        [
            .. token.Logprobs.Top.Take(top).Select(alternative => new ChatTopLogprob
            {
                Token = tokenizer.TokenText(alternative.TokenId),
                Logprob = alternative.Logprob,
                Bytes = Bytes(tokenizer, alternative.TokenId),
            }),
        ],
    };

    private static IReadOnlyList<int> Bytes(Tokenizer tokenizer, int id) => [.. tokenizer.TokenBytes(id).Select(value => (int)value)];
}

/// <summary>A generated token.</summary>
public sealed record ChatTokenLogprob
{
    /// <summary>It as text; bytes that are no text of their own as bytes:\xNN.</summary>
    /// <example>SELECT</example>
    public required string Token { get; init; }

    /// <summary>The natural logarithm of its probability.</summary>
    /// <example>-0.01</example>
    public required float Logprob { get; init; }

    /// <summary>The bytes that it stands for: those of consecutive tokens together are the text in UTF-8.</summary>
    /// <example>[83, 69, 76, 69, 67, 84]</example>
    public required IReadOnlyList<int> Bytes { get; init; }

    /// <summary>As many most probable tokens at its place as top_logprobs says.</summary>
    public required IReadOnlyList<ChatTopLogprob> TopLogprobs { get; init; }
}

/// <summary>One of the most probable tokens at a place.</summary>
public sealed record ChatTopLogprob
{
    /// <summary>It as text; bytes that are no text of their own as bytes:\xNN.</summary>
    /// <example>SELECT</example>
    public required string Token { get; init; }

    /// <summary>The natural logarithm of its probability.</summary>
    /// <example>-0.01</example>
    public required float Logprob { get; init; }

    /// <summary>The bytes that it stands for.</summary>
    /// <example>[83, 69, 76, 69, 67, 84]</example>
    public required IReadOnlyList<int> Bytes { get; init; }
}
