namespace LoraServe.Engine.Checkpoints;

/// <summary>The modules and tensors of a model configuration, by their paths in the checkpoint.</summary>
internal static class ModelLayout
{
    /// <summary>Path of the token embedding.</summary>
    public const string Embedding = "model.embed_tokens";

    /// <summary>Path of the last norm.</summary>
    public const string FinalNorm = "model.norm";

    /// <summary>Path of the output head.</summary>
    public const string Head = "lm_head";

    /// <summary>Path of one decoder layer.</summary>
    public static string Layer(int index) => $"model.layers.{index}";

    /// <summary>The modules that adapters can refer to.</summary>
    public static ModelModules Modules(ModelConfig config, string name) =>
        new(name, config.ModelType, [.. Linears(config)], [.. Others(config)], Head)
        {
            Norms = Norms(config).ToDictionary(norm => norm.Path, norm => norm.Size, StringComparer.Ordinal),
            TiesHead = config.TieWordEmbeddings,
        };

    /// <summary>Names and shapes of every tensor that the checkpoint must hold.</summary>
    public static IEnumerable<(string Name, long[] Shape)> Tensors(ModelConfig config)
    {
        yield return ($"{Embedding}.weight", [config.VocabularySize, config.HiddenSize]);
        foreach (var linear in Linears(config).Where(linear => linear.Path != Head || !config.TieWordEmbeddings))
        {
            yield return ($"{linear.Path}.weight", [linear.OutFeatures, linear.InFeatures]);
            if (linear.HasBias) yield return ($"{linear.Path}.bias", [linear.OutFeatures]);
        }

        foreach (var (path, size) in Norms(config)) yield return ($"{path}.weight", [size]);
    }

    private static IEnumerable<(string Path, int Size)> Norms(ModelConfig config)
    {
        for (var i = 0; i < config.LayerCount; i++)
        {
            yield return ($"{Layer(i)}.input_layernorm", config.HiddenSize);
            yield return ($"{Layer(i)}.post_attention_layernorm", config.HiddenSize);
            if (!config.QkNorm) continue;
            yield return ($"{Layer(i)}.self_attn.q_norm", config.HeadDim);
            yield return ($"{Layer(i)}.self_attn.k_norm", config.HeadDim);
        }

        yield return (FinalNorm, config.HiddenSize);
    }

    private static IEnumerable<LinearModule> Linears(ModelConfig config)
    {
        var (hidden, inner) = (config.HiddenSize, config.IntermediateSize);
        var (query, keyValue) = (config.HeadCount * config.HeadDim, config.KvHeadCount * config.HeadDim);
        for (var i = 0; i < config.LayerCount; i++)
        {
            yield return new($"{Layer(i)}.self_attn.q_proj", hidden, query, config.QkvBias);
            yield return new($"{Layer(i)}.self_attn.k_proj", hidden, keyValue, config.QkvBias);
            yield return new($"{Layer(i)}.self_attn.v_proj", hidden, keyValue, config.QkvBias);
            yield return new($"{Layer(i)}.self_attn.o_proj", query, hidden, config.OutputBias);
            yield return new($"{Layer(i)}.mlp.gate_proj", hidden, inner, config.MlpBias);
            yield return new($"{Layer(i)}.mlp.up_proj", hidden, inner, config.MlpBias);
            yield return new($"{Layer(i)}.mlp.down_proj", inner, hidden, config.MlpBias);
        }

        yield return new(Head, hidden, config.VocabularySize, HasBias: false);
    }

    private static IEnumerable<string> Others(ModelConfig config)
    {
        yield return "model";
        yield return Embedding;
        yield return "model.layers";
        for (var i = 0; i < config.LayerCount; i++)
        {
            yield return Layer(i);
            yield return $"{Layer(i)}.self_attn";
            yield return $"{Layer(i)}.mlp";
            yield return $"{Layer(i)}.mlp.act_fn";
            yield return $"{Layer(i)}.input_layernorm";
            yield return $"{Layer(i)}.post_attention_layernorm";
            if (!config.QkNorm) continue;
            yield return $"{Layer(i)}.self_attn.q_norm";
            yield return $"{Layer(i)}.self_attn.k_norm";
        }

        yield return FinalNorm;
        yield return "model.rotary_emb";
    }
}
