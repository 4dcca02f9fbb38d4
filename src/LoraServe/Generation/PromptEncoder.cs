using LoraServe.Api.Requests;
using LoraServe.Engine.Generation;

namespace LoraServe.Generation;

/// <summary>The end of text: turns prompts into token ids that the model accepts.</summary>
internal sealed class PromptEncoder(LlmEngine engine)
{
    // Normalisation can make text shorter, composition of characters by up to this factor.
    private const int MostBytesNormalizedToOne = 4;

    // Maximum characters of a text that is truncated to its end: some seconds of work at worst, and more than a context.
    private const int LeastMostCut = 2 << 20;
    private const int CharactersPerToken = 16;

    private long MostCut => Math.Max(LeastMostCut, (long)CharactersPerToken * engine.Model.MaxModelLen);

    private long LongestText => (long)engine.Model.MaxModelLen * engine.Tokenizer.LongestTokenLength * MostBytesNormalizedToOne;

    /// <param name="inputs">The prompts as they were sent.</param>
    /// <param name="parameters">The request.</param>
    /// <param name="addSpecialTokens">Whether the tokenizer's own special tokens are added to texts.</param>
    /// <param name="param">The request field they came in.</param>
    /// <param name="cancellation">Cancels the work when the client disconnects.</param>
    /// <exception cref="InvalidRequestException">A prompt without tokens, or token ids outside the vocabulary.</exception>
    /// <exception cref="ContextLengthExceededException">A prompt that can never fit.</exception>
    public IReadOnlyList<GenerationPrompt> Encode(
        IReadOnlyList<PromptInput> inputs,
        GenerationParameters parameters,
        bool addSpecialTokens,
        string param,
        CancellationToken cancellation)
    {
        var faults = new RequestFaults();
        CheckIds(parameters.StopTokenIds ?? [], "stop_token_ids", faults);
        CheckIds(parameters.LogitBias?.Values.Keys ?? [], "logit_bias", faults);
        var prompts = new List<GenerationPrompt>();
        foreach (var input in inputs)
        {
            if (input.TokenIds is not null) CheckIds(input.TokenIds, param, faults);
            var ids = input.TokenIds is { } given ? Truncate(given, parameters) : Encode(input.Text!, parameters, addSpecialTokens, cancellation);
            if (ids.Count == 0) faults.Add(new RequestFault(param, "has no tokens"));
            var text = parameters.TruncatePromptTokens is null ? input.Text : null;
            prompts.Add(new GenerationPrompt(ids, text, parameters.MostTokens ?? engine.RoomAfter(ids.Count)));
        }

        faults.ThrowIfAny();
        foreach (var prompt in prompts) engine.CheckFits(prompt.Ids.Count, parameters.ToSampling(choice: 0, prompt.MaxTokens));
        return prompts;
    }

    /// <summary>The ids of a text.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="addSpecialTokens">Whether the tokenizer's own special tokens are added.</param>
    /// <param name="param">The request field it came in.</param>
    /// <param name="cancellation">Cancels the work when the client disconnects.</param>
    /// <exception cref="InvalidRequestException">It is far too long.</exception>
    public IReadOnlyList<int> Encode(string text, bool addSpecialTokens, string param, CancellationToken cancellation) =>
        text.Length <= LongestText
            ? engine.Tokenizer.Encode(text, addSpecialTokens, cancellation: cancellation)
            : throw new InvalidRequestException(param, TooLong($"{text.Length} characters, which are more tokens than that").Message, "context_length_exceeded");

    private int[] Encode(string text, GenerationParameters parameters, bool addSpecialTokens, CancellationToken cancellation)
    {
        if (Kept(parameters) is { } kept)
        {
            return text.Length <= MostCut
                ? engine.Tokenizer.EncodeEnd(text, kept, addSpecialTokens, cancellation)
                : throw new ContextLengthExceededException(
                    $"The prompt has {text.Length} characters. Of so many, truncate_prompt_tokens cannot keep the end: send at most "
                    + $"{MostCut}.");
        }

        // Megabytes that cannot fit are refused before encoding, and encoding stops once it is clear.
        if (text.Length > LongestText) throw TooLong($"{text.Length} characters, which are more tokens than that");
        var most = 2 * (long)engine.Model.MaxModelLen;
        var ids = engine.Tokenizer.Encode(text, addSpecialTokens, (int)Math.Min(most, int.MaxValue), cancellation);
        return ids.Length <= most ? ids : throw TooLong($"more than {most} tokens");
    }

    private ContextLengthExceededException TooLong(string found) => new(
        $"This model's maximum context length is {engine.Model.MaxModelLen} tokens. However, your prompt has {found}. Please reduce the prompt.");

    /// <summary>Reports the first id outside the vocabulary.</summary>
    /// <param name="ids">Ids as they were sent.</param>
    /// <param name="param">The field they came in.</param>
    /// <param name="faults">Receives the fault.</param>
    public void CheckIds(IEnumerable<int> ids, string param, RequestFaults faults)
    {
        foreach (var id in ids)
        {
            if ((uint)id < (uint)engine.Model.VocabularySize) continue;
            faults.Add(new RequestFault(param, $"expected token ids from 0 to {engine.Model.VocabularySize - 1}, found {id}"));
            return;
        }
    }

    private IReadOnlyList<int> Truncate(IReadOnlyList<int> ids, GenerationParameters parameters)
    {
        return Kept(parameters) is not { } kept || ids.Count <= kept ? ids : [.. ids.Skip(ids.Count - kept)];
    }

    // Number of last tokens a prompt is truncated to; null if it stays whole.
    private int? Kept(GenerationParameters parameters) => parameters.TruncatePromptTokens is < 0
        ? Math.Max(1, engine.Model.MaxModelLen - (parameters.MostTokens ?? 1))
        : parameters.TruncatePromptTokens;
}
