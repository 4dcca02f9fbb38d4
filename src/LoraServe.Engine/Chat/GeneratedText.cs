using System.Runtime.CompilerServices;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Sequences;
using LoraServe.Text.Tokenizers;

namespace LoraServe.Engine.Chat;

/// <summary>The text of one sequence as it is generated. Disposing it before the end cancels the sequence.</summary>
internal sealed class GeneratedText(Tokenizer tokenizer, TokenStream sequence, IReadOnlyList<int> prompt) : IDisposable
{
    /// <summary>Tokens of the prompt.</summary>
    public int PromptTokens => prompt.Count;

    /// <summary>The number of tokens so far, including the one that ended the text.</summary>
    public int Tokens { get; private set; }

    /// <summary>Why it ended; null while it runs.</summary>
    public FinishReason? FinishReason { get; private set; }

    /// <summary>For each token the text that can no longer change, often none; the token that ends the text has no text of its own.</summary>
    /// <exception cref="GenerationFailedException">A step of the engine failed.</exception>
    public async IAsyncEnumerable<string> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var detokenizer = new IncrementalDetokenizer(tokenizer, skipSpecialTokens: true, [.. prompt]);
        await foreach (var token in sequence.Tokens.ReadAllAsync(cancellationToken))
        {
            Tokens++;
            FinishReason = token.FinishReason;
            var text = FinishReason == Sequences.FinishReason.Stop ? "" : detokenizer.Append(token.TokenId);
            yield return FinishReason is null ? text : text + detokenizer.Flush();
        }
    }

    public void Dispose() => sequence.Dispose();
}
