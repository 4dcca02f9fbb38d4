using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LoraServe.Api.Adapters;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Sampling;

namespace LoraServe.Generation;

/// <summary>What every text request has in common: the adapter, and how tokens are chosen.</summary>
public abstract record GenerationParameters
{
    /// <summary>An adapter, or the base model. Empty or absent: the base model, unless the adapter is named elsewhere.</summary>
    /// <example>sql</example>
    public string? Model { get; init; }

    /// <summary>The adapter, for clients whose model is fixed. The query parameter of this name is stronger, the model weaker.</summary>
    /// <example>sql</example>
    public string? Adapter { get; init; }

    /// <summary>Another name of the field adapter.</summary>
    /// <example>sql</example>
    public string? AdapterId { get; init; }

    /// <summary>A weighted sum of adapters in place of one: at most eight, and weights may be negative.</summary>
    /// <example>[{"name": "summarize", "weight": 0.7}, {"name": "sentiment", "weight": 0.3}]</example>
    public AdapterParts? Adapters { get; init; }

    /// <summary>auto, merged or unmerged: whether to run on weights with the adapter merged into them. Absent: as the adapter is set.</summary>
    /// <example>auto</example>
    public MergeMode? Mode { get; init; }

    /// <summary>Computed beginnings of prompts are shared only between requests of the same salt.</summary>
    /// <example>tenant-1</example>
    public string? CacheSalt { get; init; }

    /// <summary>Divides the logits before sampling; 0 always takes the most probable token.</summary>
    /// <example>0</example>
    [DefaultValue(1f), Range(0.0, 2.0)]
    public float Temperature { get; init; } = 1;

    /// <summary>Samples from the smallest set of most probable tokens whose probabilities reach this sum.</summary>
    /// <example>0.9</example>
    [DefaultValue(1f), Range(0.0, 1.0)]
    public float TopP { get; init; } = 1;

    /// <summary>Samples from this many most probable tokens; 0 or -1 takes all.</summary>
    /// <example>40</example>
    [DefaultValue(0), Range(-1, int.MaxValue)]
    public int TopK { get; init; }

    /// <summary>Drops tokens less probable than this fraction of the most probable one.</summary>
    /// <example>0.05</example>
    [DefaultValue(0f), Range(0.0, 1.0)]
    public float MinP { get; init; }

    /// <summary>Number of choices for each prompt; choice c of prompt p has the index p * n + c.</summary>
    /// <example>1</example>
    [DefaultValue(1), Range(1, 128)]
    public int N { get; init; } = 1;

    /// <summary>1 or n: the server returns every choice that it generates.</summary>
    /// <example>1</example>
    [Range(0, 128)]
    public int? BestOf { get; init; }

    /// <summary>Ends a choice where one of these texts appears, without returning it; texts of special tokens count. A text or a list of at most 64.</summary>
    /// <example>["\n\n"]</example>
    public StopSequences? Stop { get; init; }

    /// <summary>Returns the stop text too.</summary>
    /// <example>false</example>
    [DefaultValue(false)]
    public bool IncludeStopStrInOutput { get; init; }

    /// <summary>Token ids that end a choice, beside the model's own end tokens.</summary>
    /// <example>[4]</example>
    public IReadOnlyList<int>? StopTokenIds { get; init; }

    /// <summary>Goes on after the model's end tokens.</summary>
    /// <example>false</example>
    [DefaultValue(false)]
    public bool IgnoreEos { get; init; }

    /// <summary>No choice ends before it has this many tokens.</summary>
    /// <example>0</example>
    [DefaultValue(0), Range(0, int.MaxValue)]
    public int MinTokens { get; init; }

    /// <summary>The same seed, prompt and adapter give the same text whatever else the server does; choice c uses seed + c.</summary>
    /// <example>42</example>
    public long? Seed { get; init; }

    /// <summary>Subtracted once from the logit of every token that was already generated.</summary>
    /// <example>0</example>
    [DefaultValue(0f), Range(-2.0, 2.0)]
    public float PresencePenalty { get; init; }

    /// <summary>Subtracted from a token's logit for each time it was already generated.</summary>
    /// <example>0</example>
    [DefaultValue(0f), Range(-2.0, 2.0)]
    public float FrequencyPenalty { get; init; }

    /// <summary>Above 1 makes every token of the prompt and the output less probable, below 1 more.</summary>
    /// <example>1</example>
    [DefaultValue(1f), Range(0.01, 100.0)]
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Added to the logits of single tokens: token id to a number from -100 to 100.</summary>
    /// <example>{"50": -100}</example>
    public LogitBias? LogitBias { get; init; }

    /// <summary>Reports the same for each token of the prompt, in the choice's prompt_logprobs; not with stream.</summary>
    /// <example>1</example>
    [Range(0, 5)]
    public int? PromptLogprobs { get; init; }

    /// <summary>Sends each piece of text as a server-sent event as soon as it is there; the last event is [DONE].</summary>
    /// <example>false</example>
    [DefaultValue(false)]
    public bool Stream { get; init; }

    /// <summary>Only with stream.</summary>
    public StreamOptions? StreamOptions { get; init; }

    /// <summary>Leaves special tokens, such as the end of text, out of the text.</summary>
    /// <example>true</example>
    [DefaultValue(true)]
    public bool SkipSpecialTokens { get; init; } = true;

    /// <summary>Keeps only this many last tokens of a prompt; -1 keeps as many as the context has room for beside max_tokens.</summary>
    /// <example>-1</example>
    [Range(-1, int.MaxValue)]
    public int? TruncatePromptTokens { get; init; }

    /// <summary>Returns token_ids and prompt_token_ids with each choice.</summary>
    /// <example>false</example>
    [DefaultValue(false)]
    public bool ReturnTokenIds { get; init; }

    /// <summary>An identifier of the end user, for the client's own books; the server does nothing with it.</summary>
    /// <example>user-1234</example>
    public string? User { get; init; }

    // If one of these were ignored, the base would answer.
    private static IEnumerable<string> AdapterNames { get; } =
        ["adapter", "adapter_id", .. Api.Requests.Fields.FieldTable.Completions.OtherNames("adapter")];

    /// <summary>Most tokens to generate for each choice; null: as many as there is room for.</summary>
    internal abstract int? MostTokens { get; }

    /// <summary>How many most probable alternatives of each token are reported; null: not even the token's own log-probability.</summary>
    internal abstract int? Alternatives { get; }

    /// <summary>Whether the prompt's text comes before the first generated text.</summary>
    internal virtual bool EchoesPrompt => false;

    /// <summary>An empty request with a model's recommended defaults.</summary>
    internal static T WithDefaults<T>(SamplingParams recommended)
        where T : GenerationParameters, new() => new()
        {
            Temperature = recommended.Temperature,
            TopP = recommended.TopP,
            TopK = recommended.TopK,
            MinP = recommended.MinP,
            RepetitionPenalty = recommended.RepetitionPenalty,
        };

    /// <summary>The adapter that the request names, in its query or its body; null for the base model.</summary>
    /// <exception cref="Api.Requests.InvalidRequestException">It names different ones.</exception>
    /// <exception cref="InvalidAdapterReferenceException">It cannot be read.</exception>
    internal AdapterReference? SelectAdapter(HttpContext context, string baseModel) =>
        // The raw parameter: bound to a string, a repeated one would look like a mix.
        AdapterSelector.Select(AdapterNames.SelectMany(name => context.Request.Query[name]), [Adapter, AdapterId], Adapters, Model, baseModel);

    /// <summary>The model's name in the answer: as in the request, else the adapter, else the base model.</summary>
    internal string AnsweringModel(AdapterReference? adapter, string baseModel) =>
        string.IsNullOrEmpty(Model) ? adapter?.ToString() ?? baseModel : Model;

    /// <summary>The sampling parameters of one choice of a prompt.</summary>
    internal SamplingParams ToSampling(int choice, int maxTokens) => new()
    {
        Temperature = Temperature,
        TopK = Math.Max(TopK, 0),
        TopP = TopP,
        MinP = MinP,
        RepetitionPenalty = RepetitionPenalty,
        PresencePenalty = PresencePenalty,
        FrequencyPenalty = FrequencyPenalty,
        LogitBias = LogitBias?.Values ?? new Dictionary<int, float>(),
        Seed = Seed is { } seed ? unchecked(seed + choice) : null,
        MaxTokens = maxTokens,
        MinTokens = MinTokens,
        StopTokenIds = StopTokenIds?.ToHashSet() ?? [],
        IgnoreEos = IgnoreEos,
        Logprobs = Alternatives,
        PromptLogprobs = EchoesPrompt && Alternatives is { } alternatives ? Math.Max(alternatives, PromptLogprobs ?? 0) : PromptLogprobs,
    };
}
