using LoraServe.Engine.Generation;
using LoraServe.Hosting;

namespace LoraServe.Generation;

/// <summary>Where text ends: turns the prompts of requests into token ids that the model can take.</summary>
internal sealed class PromptEncoder(EngineService service)
{
    // Normalisation can make text shorter, composition of characters by up to this factor.
    private const int MostBytesNormalizedToOne = 4;

    private LlmEngine Engine => service.Engine;

    private long LongestText => (long)Engine.Model.MaxModelLen * Engine.Tokenizer.LongestTokenLength * MostBytesNormalizedToOne;

    /// <param name="inputs">The prompts as they were sent.</param>
    /// <param name="parameters">What is to be generated after each.</param>
    /// <param name="addSpecialTokens">Whether texts get what the tokenizer adds on its own.</param>
    /// <param name="param">The field of the request that they came in.</param>
    /// <exception cref="InvalidRequestException">A prompt without tokens, or token ids outside the vocabulary.</exception>
    /// <exception cref="ContextLengthExceededException">A prompt that can never fit.</exception>
    public IReadOnlyList<GenerationPrompt> Encode(
        IReadOnlyList<PromptInput> inputs, GenerationParameters parameters, bool addSpecialTokens, string param)
    {
        var faults = new RequestFaults();
        CheckIds(parameters.StopTokenIds ?? [], "stop_token_ids", faults);
        CheckIds(parameters.LogitBias?.Values.Keys ?? [], "logit_bias", faults);
        var prompts = new List<GenerationPrompt>();
        foreach (var input in inputs)
        {
            if (input.TokenIds is not null) CheckIds(input.TokenIds, param, faults);
            var ids = input.TokenIds ?? Encode(input.Text!, addSpecialTokens, isCut: parameters.TruncatePromptTokens is not null);
            if (ids.Count == 0) faults.Add(new RequestFault(param, "has no tokens"));
            ids = Truncate(ids, parameters);
            var text = parameters.TruncatePromptTokens is null ? input.Text : null;
            prompts.Add(new GenerationPrompt(ids, text, parameters.MostTokens ?? Engine.RoomAfter(ids.Count)));
        }

        faults.ThrowIfAny();
        foreach (var prompt in prompts) Engine.CheckFits(prompt.Ids.Count, parameters.ToSampling(choice: 0, prompt.MaxTokens));
        return prompts;
    }

    /// <summary>The ids of a text.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="addSpecialTokens">Whether it gets what the tokenizer adds on its own.</param>
    /// <param name="param">The field of the request that it came in.</param>
    /// <exception cref="InvalidRequestException">It is far too long.</exception>
    public IReadOnlyList<int> Encode(string text, bool addSpecialTokens, string param)
    {
        try
        {
            return Encode(text, addSpecialTokens, isCut: false);
        }
        catch (ContextLengthExceededException e)
        {
            throw new InvalidRequestException(param, e.Message, "context_length_exceeded");
        }
    }

    private int[] Encode(string text, bool addSpecialTokens, bool isCut)
    {
        // Megabytes that cannot fit are refused before the work of encoding them; encoding tells exactly.
        if (!isCut && text.Length > LongestText)
        {
            throw new ContextLengthExceededException(
                $"This model's maximum context length is {Engine.Model.MaxModelLen} tokens. However, your prompt has {text.Length} "
                + "characters, which are more tokens than that. Please reduce the prompt.");
        }

        return Engine.Tokenizer.Encode(text, addSpecialTokens);
    }

    /// <summary>Finds the first id that is none of the vocabulary.</summary>
    /// <param name="ids">Ids as they were sent.</param>
    /// <param name="param">The field that they came in.</param>
    /// <param name="faults">Receives the fault.</param>
    public void CheckIds(IEnumerable<int> ids, string param, RequestFaults faults)
    {
        foreach (var id in ids)
        {
            if ((uint)id < (uint)Engine.Model.VocabularySize) continue;
            faults.Add(new RequestFault(param, $"expected token ids from 0 to {Engine.Model.VocabularySize - 1}, found {id}"));
            return;
        }
    }

    private IReadOnlyList<int> Truncate(IReadOnlyList<int> ids, GenerationParameters parameters)
    {
        if (parameters.TruncatePromptTokens is not { } kept) return ids;
        if (kept < 0) kept = Math.Max(1, Engine.Model.MaxModelLen - (parameters.MostTokens ?? 1));
        return ids.Count <= kept ? ids : [.. ids.Skip(ids.Count - kept)];
    }
}
