using System.Text;
using System.Threading.Channels;
using LoraServe.Engine.Adapters;
using LoraServe.Engine.Generation;

namespace LoraServe.Completions;

/// <summary>
/// The running choices of one request, to be read as one stream of parts or as the finished choices. Disposing it cancels those that
/// still run.
/// </summary>
internal sealed class CompletionStream : IDisposable
{
    // A client that reads slowly holds back its own request; the engine never waits for it.
    private const int PartsAhead = 64;

    private readonly List<ChoiceStream> _choices = [];
    private readonly int _promptTokens;

    /// <summary>Submits one sequence for each prompt and choice, prompt by prompt.</summary>
    /// <param name="engine">Runs them.</param>
    /// <param name="request">What was asked for.</param>
    /// <param name="prompts">Its prompts as token ids.</param>
    /// <param name="lease">The adapter; taken over, even when this throws.</param>
    /// <param name="arrival">Its place in line.</param>
    /// <exception cref="EngineOverloadedException">The queue is full; nothing of this request runs on.</exception>
    public CompletionStream(
        LlmEngine engine, CompletionRequest request, IReadOnlyList<IReadOnlyList<int>> prompts, AdapterLease lease, long arrival)
    {
        _promptTokens = prompts.Sum(prompt => prompt.Count);
        try
        {
            for (var index = 0; index < prompts.Count * request.N; index++)
            {
                var prompt = prompts[index / request.N];
                var sampling = request.ToSampling(index % request.N);
                var sequence = engine.Submit(new GenerationRequest
                {
                    Prompt = prompt,
                    Sampling = sampling,
                    Adapter = lease.Share(),
                    Arrival = arrival,
                    Mode = request.Mode,
                    CacheSalt = request.CacheSalt ?? "",
                });
                var text = request.TruncatePromptTokens is null ? request.Prompt!.Items[index / request.N].Text : null;
                _choices.Add(new ChoiceStream(request, engine.Tokenizer, index, prompt, text, sequence));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
        finally
        {
            lease.Dispose();
        }
    }

    /// <summary>The tokens read and written so far.</summary>
    public CompletionUsage Usage => new()
    {
        PromptTokens = _promptTokens,
        CompletionTokens = _choices.Sum(choice => choice.GeneratedTokens),
        PromptTokensDetails = new() { CachedTokens = _choices.Sum(choice => choice.CachedTokens) },
    };

    /// <summary>The parts of all choices as they come; those of one choice in order.</summary>
    public ChannelReader<CompletionChoice> ReadParts(CancellationToken cancellationToken)
    {
        var parts = Channel.CreateBounded<CompletionChoice>(PartsAhead);
        _ = CopyAllAsync();
        return parts.Reader;

        async Task CopyAllAsync()
        {
            await Task.WhenAll(_choices.Select(CopyAsync));
            parts.Writer.TryComplete();
        }

        async Task CopyAsync(ChoiceStream choice)
        {
            try
            {
                await foreach (var part in choice.ReadAsync(cancellationToken)) await parts.Writer.WriteAsync(part, cancellationToken);
                choice.Dispose();
            }
            catch (Exception e)
            {
                parts.Writer.TryComplete(e);
            }
        }
    }

    /// <summary>The finished choices in order.</summary>
    public async Task<IReadOnlyList<CompletionChoice>> CollectAsync(CancellationToken cancellationToken)
    {
        var parts = new List<CompletionChoice>[_choices.Count];
        for (var i = 0; i < parts.Length; i++) parts[i] = [];
        await foreach (var part in ReadParts(cancellationToken).ReadAllAsync(cancellationToken)) parts[part.Index].Add(part);
        return [.. parts.Select(Join)];
    }

    public void Dispose()
    {
        foreach (var choice in _choices) choice.Dispose();
    }

    private static CompletionChoice Join(List<CompletionChoice> parts)
    {
        var logprobs = parts.Where(part => part.Logprobs is not null).Select(part => part.Logprobs!).ToList();
        var hasTokenIds = parts.Exists(part => part.PromptTokenIds is not null);
        return parts[^1] with
        {
            Text = parts.Aggregate(new StringBuilder(), (text, part) => text.Append(part.Text)).ToString(),
            Logprobs = logprobs.Count == 0 ? null : new CompletionLogprobs
            {
                Tokens = [.. logprobs.SelectMany(part => part.Tokens)],
                TokenLogprobs = [.. logprobs.SelectMany(part => part.TokenLogprobs)],
                TopLogprobs = [.. logprobs.SelectMany(part => part.TopLogprobs)],
                TextOffset = [.. logprobs.SelectMany(part => part.TextOffset)],
            },
            TokenIds = hasTokenIds ? [.. parts.SelectMany(part => part.TokenIds ?? [])] : null,
            PromptTokenIds = parts[0].PromptTokenIds,
            PromptLogprobs = parts[0].PromptLogprobs,
        };
    }
}
