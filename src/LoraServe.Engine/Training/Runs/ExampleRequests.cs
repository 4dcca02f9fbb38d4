using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Planning;
using LoraServe.Text.Tokenizers;

namespace LoraServe.Engine.Training.Runs;

/// <summary>
/// Sends examples to an engine as a client would, so that evaluation measures what is served; always unmerged, because merged weights round
/// differently and merging depends on other requests.
/// </summary>
/// <param name="engine">Stays the caller's.</param>
/// <param name="adapter">Stays the caller's, and must be held while this is in use.</param>
internal sealed class ExampleRequests(LlmEngine engine, AdapterLease adapter)
{
    // Examples in flight: enough to fill a batch without taking all of it.
    private const int Concurrency = 16;
    private const string CacheSalt = "training";
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>Runs a function for each example, many in parallel.</summary>
    public static Task ForEachAsync(int count, Func<int, CancellationToken, ValueTask> action, CancellationToken cancellationToken) =>
        Parallel.ForAsync(
            0, count, new ParallelOptions { MaxDegreeOfParallelism = Concurrency, CancellationToken = cancellationToken }, action);

    /// <summary>The cross-entropies of an example's targets.</summary>
    /// <exception cref="GenerationFailedException">The engine failed, as with logits that are NaN.</exception>
    /// <exception cref="EngineOverloadedException">The engine is shutting down.</exception>
    public async Task<TargetLoss> LossAsync(TrainingExample example, CancellationToken cancellationToken)
    {
        using var stream = await SubmitAsync(
            example.Tokens, new SamplingParams { Temperature = 0, MaxTokens = 0, PromptLogprobs = 1 }, cancellationToken);
        var logprobs = await stream.PromptLogprobs.WaitAsync(cancellationToken);
        var loss = new TargetLoss(0, 0, 0);
        for (var i = 0; i < logprobs.Count; i++)
        {
            if (!example.IsTarget[i] || logprobs[i] is not { } known) continue;
            loss += new TargetLoss(-(double)known.Logprob, known.Top[0].TokenId == example.Tokens[i] ? 1 : 0, 1);
        }

        return loss;
    }

    /// <summary>
    /// The greedy completion of an example's prompt, as far as it can be the expected one; without the token that ends it.
    /// </summary>
    /// <exception cref="GenerationFailedException">The engine failed, as with logits that are NaN.</exception>
    /// <exception cref="EngineOverloadedException">The engine is shutting down.</exception>
    public async Task<string> CompleteAsync(TrainingExample example, CancellationToken cancellationToken)
    {
        using var stream = await SubmitAsync(example.Prompt, ExampleCompletion.Sampling(engine, example), cancellationToken);
        var text = new IncrementalDetokenizer(engine.Tokenizer, skipSpecialTokens: true, [.. example.Prompt]);
        var output = "";
        await foreach (var token in stream.Tokens.ReadAllAsync(cancellationToken))
        {
            if (token.FinishReason != FinishReason.Stop) output += text.Append(token.TokenId);
        }

        return output + text.Flush();
    }

    // A full queue is no reason to fail: an evaluation can wait.
    private async Task<TokenStream> SubmitAsync(IReadOnlyList<int> prompt, SamplingParams sampling, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return engine.Submit(new GenerationRequest
                {
                    Prompt = prompt,
                    Sampling = sampling,
                    Adapter = adapter.Share(),
                    Mode = MergeMode.Unmerged,
                    CacheSalt = CacheSalt,
                });
            }
            catch (EngineOverloadedException) when (!engine.IsStopping)
            {
                await Task.Delay(RetryInterval, cancellationToken);
            }
        }
    }
}
