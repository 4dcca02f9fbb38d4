namespace LoraServe.Engine.Checkpoints;

/// <summary>The modules of a base model that an adapter can refer to, by their paths in the checkpoint.</summary>
/// <param name="ModelName">The name of the served base.</param>
/// <param name="ModelType">The model_type of config.json, which decides PEFT's default target modules.</param>
/// <param name="Linears">Linear modules in the order of the forward pass, the output head last.</param>
/// <param name="Others">Every other module: "model.embed_tokens", "model.norm", "model.layers.0", "model.layers.0.self_attn", ...</param>
/// <param name="Head">Path of the output head, "lm_head", which all-linear leaves out.</param>
internal sealed record ModelModules(
    string ModelName, string ModelType, IReadOnlyList<LinearModule> Linears, IReadOnlyList<string> Others, string Head)
{
    /// <summary>Sizes of the norms by path.</summary>
    public IReadOnlyDictionary<string, int> Norms { get; init; } = new Dictionary<string, int>();

    /// <summary>Whether the output head shares the embedding's weight.</summary>
    public bool TiesHead { get; init; }

    /// <summary>The output head as a linear module.</summary>
    public LinearModule HeadModule => Linears[^1];

    /// <summary>
    /// The token embedding as a linear module of one-hot tokens, with one input per token of the vocabulary. Its
    /// weight in the checkpoint is [inputs, outputs], transposed compared with other linear modules.
    /// </summary>
    public LinearModule Embedding => new(ModelLayout.Embedding, VocabularySize, HeadModule.InFeatures, HasBias: false);

    /// <summary>Number of tokens.</summary>
    public int VocabularySize => HeadModule.OutFeatures;

    /// <summary>Shapes by name of every tensor that adapters can refer to: those of the checkpoint, and a tied head's.</summary>
    public IReadOnlyDictionary<string, long[]> Shapes()
    {
        var shapes = Norms.ToDictionary(norm => $"{norm.Key}.weight", norm => new long[] { norm.Value }, StringComparer.Ordinal);
        shapes.Add($"{Embedding.Path}.weight", [VocabularySize, HeadModule.InFeatures]);
        foreach (var linear in Linears)
        {
            shapes.Add($"{linear.Path}.weight", [linear.OutFeatures, linear.InFeatures]);
            if (linear.HasBias) shapes.Add($"{linear.Path}.bias", [linear.OutFeatures]);
        }

        return shapes;
    }
}
