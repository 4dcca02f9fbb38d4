namespace LoraServe.Engine.Checkpoints;

/// <summary>How rotary position embeddings are scaled beyond the context length of pre-training.</summary>
internal enum RotaryType
{
    /// <summary>Unscaled frequencies theta^(-2i/d) (Su et al. 2021).</summary>
    Default,

    /// <summary>All frequencies divided by the factor (position interpolation, Chen et al. 2023).</summary>
    Linear,

    /// <summary>A larger theta for the maximum length of the server (NTK-aware scaling).</summary>
    Dynamic,

    /// <summary>Low frequencies divided by the factor, high ones kept, a ramp between (Llama 3.1).</summary>
    Llama3,

    /// <summary>NTK-by-parts with a temperature on the attention logits (Peng et al. 2023).</summary>
    Yarn,
}

/// <summary>The rotary part of config.json, of transformers 4 (rope_theta, rope_scaling) or 5 (rope_parameters).</summary>
internal sealed record RotaryConfig
{
    /// <summary>Which formula gives the frequencies.</summary>
    public RotaryType Type { get; init; }

    /// <summary>The base of the geometric series of frequencies.</summary>
    public double Theta { get; init; } = 10000;

    /// <summary>The scaled context length as a multiple of the original one.</summary>
    public double Factor { get; init; } = 1;

    /// <summary>llama3: wavelengths above the original context divided by this are scaled in full.</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary>llama3: wavelengths below the original context divided by this are kept.</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary>llama3 and yarn: the context length of pre-training, in tokens.</summary>
    public int OriginalMaxPositionEmbeddings { get; init; }

    /// <summary>yarn: rotations within the original context above which a dimension is kept.</summary>
    public double BetaFast { get; init; } = 32;

    /// <summary>yarn: rotations within the original context below which a dimension is scaled in full.</summary>
    public double BetaSlow { get; init; } = 1;

    /// <summary>yarn: whether the borders of the ramp are rounded outwards to whole dimensions.</summary>
    public bool Truncate { get; init; } = true;

    /// <summary>yarn: multiplies cosine and sine.</summary>
    public double AttentionFactor { get; init; } = 1;

    /// <summary>Reads either generation of the fields; faults are recorded in <paramref name="config"/>.</summary>
    public static RotaryConfig Read(JsonFields config, double thetaByDefault, int maxPositionEmbeddings)
    {
        var field = config.Has("rope_parameters") ? "rope_parameters" : "rope_scaling";
        var theta = ReadTheta(config, thetaByDefault);
        if (config.Object(field) is not { } rope) return new RotaryConfig { Theta = theta };
        if (rope.Has("full_attention") || rope.Has("sliding_attention"))
            config.Fault(field, "rotary parameters per layer type are not supported");
        if (rope.Number("partial_rotary_factor", 1) != 1) rope.Fault("partial_rotary_factor", "expected 1, which is all that is supported");

        var name = rope.Text("rope_type") ?? rope.Text("type") ?? "default";
        var type = Parse(name);
        if (type is null) rope.Fault("rope_type", $"expected default, linear, dynamic, llama3 or yarn, found \"{name}\"");
        theta = ReadTheta(rope, theta);
        if (type is null or RotaryType.Default) return new RotaryConfig { Theta = theta };

        var factor = rope.Number("factor");
        if (factor < 1) rope.Fault("factor", $"expected at least 1, found {factor}");
        var original = config.PositiveInt("original_max_position_embeddings", maxPositionEmbeddings);
        return new RotaryConfig
        {
            Type = type.Value,
            Theta = theta,
            Factor = factor,
            LowFrequencyFactor = rope.Number("low_freq_factor", 1),
            HighFrequencyFactor = rope.Number("high_freq_factor", 4),
            OriginalMaxPositionEmbeddings = rope.PositiveInt("original_max_position_embeddings", original),
            BetaFast = rope.Number("beta_fast", 32),
            BetaSlow = rope.Number("beta_slow", 1),
            Truncate = rope.Flag("truncate", true),
            AttentionFactor = type == RotaryType.Yarn ? YarnAttentionFactor(rope, factor) : 1,
        };
    }

    private static double ReadTheta(JsonFields json, double byDefault)
    {
        var theta = json.Number("rope_theta", byDefault);
        if (theta <= 0) json.Fault("rope_theta", $"expected a positive number, found {theta}");
        return theta;
    }

    private static RotaryType? Parse(string name) => name switch
    {
        "default" => RotaryType.Default,
        "linear" => RotaryType.Linear,
        "dynamic" => RotaryType.Dynamic,
        "llama3" => RotaryType.Llama3,
        "yarn" => RotaryType.Yarn,
        _ => null,
    };

    // YaRN (Peng et al. 2023), section 3.4; the pair mscale and mscale_all_dim is DeepSeek's generalisation of it.
    private static double YarnAttentionFactor(JsonFields rope, double factor)
    {
        if (rope.Has("attention_factor")) return rope.Number("attention_factor");
        if (!rope.Has("mscale") || !rope.Has("mscale_all_dim")) return Scale(1);
        return Scale(rope.Number("mscale")) / Scale(rope.Number("mscale_all_dim"));

        double Scale(double mscale) => factor <= 1 ? 1 : (0.1 * mscale * Math.Log(factor)) + 1;
    }
}
