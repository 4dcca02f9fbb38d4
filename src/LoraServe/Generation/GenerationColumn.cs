using LoraServe.Api.Adapters;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Sequences;

namespace LoraServe.Generation;

/// <summary>The choices of a request that run on one adapter: all of them, or one column of a comparison.</summary>
internal sealed class GenerationColumn : IDisposable
{
    private readonly List<ChoiceStream> _choices = [];
    private readonly int _promptTokens;
    private readonly int _choicesPerPrompt;

    /// <summary>Submits one sequence for each prompt and choice, prompt by prompt.</summary>
    /// <param name="engine">Runs them.</param>
    /// <param name="parameters">What was asked for.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="lease">The adapter; taken over, even when this throws.</param>
    /// <param name="place">Where its first choice stands in the answer, its place in line, whose it is, and who may share its prefixes.</param>
    /// <exception cref="EngineOverloadedException">The queue is full; nothing of this column runs on.</exception>
    public GenerationColumn(
        LlmEngine engine,
        GenerationParameters parameters,
        IReadOnlyList<GenerationPrompt> prompts,
        AdapterLease lease,
        (int FirstIndex, long Arrival, string Owner, string CacheSalt) place)
    {
        Adapter = AdapterSelector.Label(lease);
        Version = AdapterSelector.ShortVersion(lease);
        IsBase = lease.IsBase;
        AdapterName = lease.Name;
        AdapterLabel = engine.Adapters.Labels.Of(lease);
        Fingerprint = $"fp_{engine.Model.Checksum[..12]}-{Version}";
        _choicesPerPrompt = parameters.N;
        _promptTokens = prompts.Sum(prompt => prompt.Ids.Count);
        try
        {
            var texts = prompts.Select(prompt => new PromptText(prompt, engine.Tokenizer, parameters.SkipSpecialTokens)).ToList();
            for (var i = 0; i < prompts.Count * parameters.N; i++)
            {
                var prompt = prompts[i / parameters.N];
                var sequence = engine.Submit(new GenerationRequest
                {
                    Prompt = prompt.Ids,
                    Sampling = parameters.ToSampling(i % parameters.N, prompt.MaxTokens),
                    Adapter = lease.Share(),
                    Arrival = place.Arrival,
                    Owner = place.Owner,
                    Mode = parameters.Mode,
                    CacheSalt = place.CacheSalt,
                });
                _choices.Add(new ChoiceStream(parameters, engine.Tokenizer, place.FirstIndex + i, prompt, texts[i / parameters.N], sequence));
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

    /// <summary>What an answer says about its adapter: base, or its name and the beginning of its version.</summary>
    public string Adapter { get; }

    /// <summary>Whether it runs on the bare base model.</summary>
    public bool IsBase { get; }

    /// <summary>The name under which its adapter was asked for, or base.</summary>
    public string AdapterName { get; }

    /// <summary>What metrics call its adapter.</summary>
    public string AdapterLabel { get; }

    /// <summary>The beginning of the adapter's version.</summary>
    public string Version { get; }

    /// <summary>The very weights that answer: the beginnings of the hashes of the base and of the adapter version.</summary>
    public string Fingerprint { get; }

    /// <summary>Its choices, in order.</summary>
    public IReadOnlyList<ChoiceStream> Choices => _choices;

    /// <summary>The tokens read and written so far; a prompt counts once, as its first choice found it, however many continue it.</summary>
    public Usage Usage => new()
    {
        PromptTokens = _promptTokens,
        CompletionTokens = _choices.Sum(choice => choice.GeneratedTokens),
        PromptTokensDetails = new() { CachedTokens = _choices.Where((_, i) => i % _choicesPerPrompt == 0).Sum(choice => choice.CachedTokens) },
    };

    /// <summary>Cancels the choices that still run.</summary>
    public void Dispose()
    {
        foreach (var choice in _choices) choice.Dispose();
    }
}
