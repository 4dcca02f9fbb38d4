using LoraServe.Text.Faults;

namespace LoraServe.Engine.Checkpoints;

/// <summary>
/// The config.json of a decoder of the Llama shape: llama, mistral, qwen2 or qwen3, as transformers 4 or 5 writes it. Differences
/// between the families are flags, so that one decoder serves all of them.
/// </summary>
internal sealed record ModelConfig
{
    // Far above any published model; sizes computed from these limits fit into an int.
    private const int MaxLayers = 1024;
    private const int MaxHeads = 1 << 14;
    private const int MaxWidth = 1 << 24;
    private const int MaxHeadDim = 1 << 14;

    private static readonly string[] Families = ["llama", "mistral", "qwen2", "qwen3"];

    /// <summary>The longest context that can be served: positions are exact in float32 up to it.</summary>
    public const int MaxPositions = 1 << 24;

    /// <summary>The family: llama, mistral, qwen2 or qwen3.</summary>
    public required string ModelType { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Width inside the MLP.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Number of decoder layers.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Query heads.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Key and value heads; each serves HeadCount / KvHeadCount query heads.</summary>
    public required int KvHeadCount { get; init; }

    /// <summary>Size of one head.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Rows of the embedding and of the output head.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The context length that the model was trained for, in tokens.</summary>
    public required int MaxPositionEmbeddings { get; init; }

    /// <summary>Added to the mean square before its root.</summary>
    public required double RmsNormEpsilon { get; init; }

    /// <summary>Whether the output head is the embedding.</summary>
    public required bool TieWordEmbeddings { get; init; }

    /// <summary>Whether q_proj, k_proj and v_proj have biases.</summary>
    public required bool QkvBias { get; init; }

    /// <summary>Whether o_proj has a bias.</summary>
    public required bool OutputBias { get; init; }

    /// <summary>Whether the MLP's linear modules have biases.</summary>
    public required bool MlpBias { get; init; }

    /// <summary>Whether queries and keys are normalised per head before the rotation.</summary>
    public required bool QkNorm { get; init; }

    /// <summary>For each layer, how many positions back a token sees, itself included; null sees all.</summary>
    public required IReadOnlyList<int?> SlidingWindows { get; init; }

    /// <summary>Rotary position embeddings.</summary>
    public required RotaryConfig Rotary { get; init; }

    /// <summary>Tokens that end a sequence: those of generation_config.json, else of config.json.</summary>
    public required IReadOnlyList<int> EosTokenIds { get; init; }

    /// <summary>Recommended defaults for requests that leave a parameter out.</summary>
    public required GenerationConfig Generation { get; init; }

    /// <summary>
    /// The modules that adapters can refer to; a tied output head is one of them, since an update of its output leaves the embedding unchanged.
    /// </summary>
    /// <param name="name">The name under which the base is served.</param>
    public ModelModules Modules(string name) => ModelLayout.Modules(this, name);

    /// <summary>Reads config.json and generation_config.json of a checkpoint folder.</summary>
    /// <exception cref="InvalidCheckpointException">Lists every field that is missing, wrong or not supported.</exception>
    public static ModelConfig Load(string folder)
    {
        var faults = new FaultList(found => new InvalidCheckpointException(folder, found));
        var file = Path.Combine(folder, "config.json");
        if (!File.Exists(file)) throw new InvalidCheckpointException(folder, ["config.json: the file is missing"]);
        var json = JsonFields.Load(file, faults);
        ModelConfig? config = null;
        try
        {
            var generation = GenerationConfig.Load(Path.Combine(folder, "generation_config.json"), faults);
            config = json is null ? null : Read(folder, json, generation);
        }
        catch (InvalidOperationException)
        {
            faults.Add("config.json or generation_config.json: a text is not valid Unicode (half of a surrogate pair)");
        }

        faults.ThrowIfAny();
        return config!;
    }

    private static ModelConfig Read(string folder, JsonFields json, GenerationConfig generation)
    {
        var family = json.Text("model_type") ?? "";
        // For an unsupported family, further faults would not help.
        if (!Families.Contains(family))
        {
            var found = family.Length > 0 ? $"{family} is not supported yet" : "config.json: model_type: it is not there";
            throw new InvalidCheckpointException(folder, [$"{found}; supported: {string.Join(", ", Families)}"]);
        }

        var activation = json.Text("hidden_act") ?? "silu";
        if (activation is not ("silu" or "swish")) json.Fault("hidden_act", $"expected silu, found \"{activation}\"");
        if (json.Has("quantization_config")) json.Fault("quantization_config", "quantised checkpoints are not supported");

        var hidden = json.PositiveInt("hidden_size", most: MaxWidth);
        var heads = json.PositiveInt("num_attention_heads", most: MaxHeads);
        var kvHeads = json.PositiveInt("num_key_value_heads", heads, MaxHeads);
        if (heads % kvHeads != 0) json.Fault("num_key_value_heads", $"expected a divisor of the {heads} attention heads, found {kvHeads}");
        if (!json.Has("head_dim") && hidden % heads != 0)
            json.Fault("hidden_size", $"expected a multiple of the {heads} attention heads, found {hidden}");
        var headDim = json.PositiveInt("head_dim", Math.Max(hidden / heads, 1), MaxHeadDim);
        if (headDim % 2 != 0) json.Fault("head_dim", $"expected an even number, found {headDim}");
        var layers = json.PositiveInt("num_hidden_layers", most: MaxLayers);
        var maxPositions = json.PositiveInt("max_position_embeddings", family == "mistral" ? 131072 : 2048, MaxPositions);
        var attentionBias = family != "mistral" && json.Flag("attention_bias", false);

        return new ModelConfig
        {
            ModelType = family,
            HiddenSize = hidden,
            IntermediateSize = json.PositiveInt("intermediate_size", most: MaxWidth),
            LayerCount = layers,
            HeadCount = heads,
            KvHeadCount = kvHeads,
            HeadDim = headDim,
            VocabularySize = json.PositiveInt("vocab_size", most: MaxWidth),
            MaxPositionEmbeddings = maxPositions,
            RmsNormEpsilon = json.Number("rms_norm_eps", 1e-6),
            TieWordEmbeddings = json.Flag("tie_word_embeddings", false),
            QkvBias = family == "qwen2" || attentionBias,
            OutputBias = family != "qwen2" && attentionBias,
            MlpBias = family == "llama" && json.Flag("mlp_bias", false),
            QkNorm = family == "qwen3",
            SlidingWindows = ReadSlidingWindows(json, family, layers),
            Rotary = RotaryConfig.Read(json, 10000, maxPositions),
            EosTokenIds = generation.EosTokenIds.Count > 0 ? generation.EosTokenIds : json.TokenIds("eos_token_id"),
            Generation = generation,
        };
    }

    private static int?[] ReadSlidingWindows(JsonFields json, string family, int layers)
    {
        var applies = family == "mistral" || (family is "qwen2" or "qwen3" && json.Flag("use_sliding_window", false));
        var window = applies && json.Has("sliding_window") ? json.PositiveInt("sliding_window") : (int?)null;
        if (window is null) return new int?[layers];
        if (json.Texts("layer_types") is not { } types)
        {
            // Before layer_types, qwen's first max_window_layers layers had full attention; every layer of mistral slides.
            var full = family == "mistral" ? 0 : json.PositiveInt("max_window_layers", 28);
            return [.. Enumerable.Range(0, layers).Select(layer => layer < full ? null : window)];
        }

        if (types.Count != layers) json.Fault("layer_types", $"expected {layers} entries, found {types.Count}");
        foreach (var type in types.Distinct().Where(type => type is not ("sliding_attention" or "full_attention")))
            json.Fault("layer_types", $"expected sliding_attention or full_attention, found \"{type}\"");
        return [.. types.Select(type => type == "sliding_attention" ? window : null)];
    }
}
