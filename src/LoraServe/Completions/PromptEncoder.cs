using LoraServe.Engine.Generation;
using LoraServe.Hosting;

namespace LoraServe.Completions;

/// <summary>Where text ends: turns the prompts of requests into token ids that the model can take.</summary>
internal sealed class PromptEncoder(LlmEngine engine)
{
    // Normalisation can make text shorter, composition of characters by up to this factor.
    private const int MostBytesNormalizedToOne = 4;

    private long LongestText => (long)engine.Model.MaxModelLen * engine.Tokenizer.LongestTokenLength * MostBytesNormalizedToOne;

    /// <returns>Each prompt of the request as ids.</returns>
    /// <exception cref="InvalidRequestException">A prompt without tokens, or token ids outside the vocabulary.</exception>
    /// <exception cref="ContextLengthExceededException">A prompt that can never fit.</exception>
    public IReadOnlyList<IReadOnlyList<int>> Encode(CompletionRequest request)
    {
        var faults = new List<RequestFault>();
        CheckIds(request.StopTokenIds ?? [], "stop_token_ids", faults);
        CheckIds(request.LogitBias?.Values.Keys ?? [], "logit_bias", faults);
        var prompts = new List<IReadOnlyList<int>>();
        foreach (var input in request.Prompt!.Items)
        {
            if (input.TokenIds is not null) CheckIds(input.TokenIds, "prompt", faults);
            var ids = input.TokenIds ?? Encode(input.Text!, request);
            if (ids.Count == 0) faults.Add(new RequestFault("prompt", "has no tokens"));
            prompts.Add(Truncate(ids, request));
        }

        if (faults.Count > 0) throw new InvalidRequestException(faults);
        var sampling = request.ToSampling(choice: 0);
        foreach (var ids in prompts) engine.CheckFits(ids.Count, sampling);
        return prompts;
    }

    private int[] Encode(string text, CompletionRequest request)
    {
        // Megabytes that cannot fit are refused before the work of encoding them; encoding tells exactly.
        if (request.TruncatePromptTokens is null && text.Length > LongestText)
        {
            throw new ContextLengthExceededException(
                $"This model's maximum context length is {engine.Model.MaxModelLen} tokens. However, your prompt has {text.Length} "
                + "characters, which are more tokens than that. Please reduce the prompt.");
        }

        return engine.Tokenizer.Encode(text, request.AddSpecialTokens);
    }

    private void CheckIds(IEnumerable<int> ids, string param, List<RequestFault> faults)
    {
        foreach (var id in ids)
        {
            if ((uint)id < (uint)engine.Model.VocabularySize) continue;
            faults.Add(new RequestFault(param, $"expected token ids from 0 to {engine.Model.VocabularySize - 1}, found {id}"));
            return;
        }
    }

    private IReadOnlyList<int> Truncate(IReadOnlyList<int> ids, CompletionRequest request)
    {
        if (request.TruncatePromptTokens is not { } kept) return ids;
        if (kept < 0) kept = Math.Max(1, engine.Model.MaxModelLen - request.MaxTokens);
        return ids.Count <= kept ? ids : [.. ids.Skip(ids.Count - kept)];
    }
}
