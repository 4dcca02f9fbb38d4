using LoraServe.Api.Adapters;
using LoraServe.Engine.Generation;

namespace LoraServe.Generation;

/// <summary>The choices of a request that run on one adapter: all of them, or one column of a comparison.</summary>
internal sealed class GenerationColumn : IDisposable
{
    private readonly List<ChoiceStream> _choices = [];
    private readonly int _promptTokens;
    private readonly int _choicesPerPrompt;

    /// <param name="engine">Runs it.</param>
    /// <param name="parameters">What was asked for.</param>
    /// <param name="column">Its adapter and prompts.</param>
    public GenerationColumn(LlmEngine engine, GenerationParameters parameters, PreparedColumn column)
    {
        Adapter = AdapterSelector.Label(column.Adapter);
        Version = AdapterSelector.ShortVersion(column.Adapter);
        IsBase = column.Adapter.IsBase;
        AdapterName = column.Adapter.Name;
        AdapterLabel = engine.Adapters.Labels.Of(column.Adapter);
        Fingerprint = $"fp_{engine.Model.Checksum[..12]}-{Version}";
        _choicesPerPrompt = parameters.N;
        _promptTokens = column.Prompts.Sum(prompt => prompt.Ids.Count);
    }

    /// <summary>The adapter in answers: base, or its name and the beginning of its version.</summary>
    public string Adapter { get; }

    /// <summary>Whether it runs on the base model alone.</summary>
    public bool IsBase { get; }

    /// <summary>The requested name of its adapter, or base.</summary>
    public string AdapterName { get; }

    /// <summary>The metric label of its adapter.</summary>
    public string AdapterLabel { get; }

    /// <summary>The beginning of the adapter's version.</summary>
    public string Version { get; }

    /// <summary>Identifies the weights that answer, by prefixes of the hashes of the base and of the adapter version.</summary>
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

    /// <summary>Adds the next choice, which the column disposes.</summary>
    public void Add(ChoiceStream choice) => _choices.Add(choice);

    /// <summary>Cancels the choices that still run.</summary>
    public void Dispose()
    {
        foreach (var choice in _choices) choice.Dispose();
    }
}
