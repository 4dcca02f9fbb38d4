using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;

namespace LoraServe.Engine.Peft;

/// <summary>The tensors of an adapter file by their effect on the base, with checked shapes.</summary>
internal sealed record PeftContent
{
    /// <summary>Low-rank updates in the order of the forward pass.</summary>
    public required IReadOnlyList<PeftModule> Modules { get; init; }

    /// <summary>Trained biases of the base [out] by the linear module's path.</summary>
    public required IReadOnlyDictionary<string, SafetensorsEntry> Biases { get; init; }

    /// <summary>Modules that are replaced, by path.</summary>
    public required IReadOnlyDictionary<string, SavedModule> Saved { get; init; }

    /// <summary>Rows that are replaced, by the path of the embedding or the output head.</summary>
    public required IReadOnlyDictionary<string, TokenRows> TokenRows { get; init; }

    /// <summary>Copies of the base's own tensors. They must equal the base's, since the adapter was trained on them.</summary>
    public required IReadOnlyList<BaseCopy> BaseCopies { get; init; }

    /// <summary>All trained tensors.</summary>
    public IEnumerable<SafetensorsEntry> Trained =>
        Modules.SelectMany(module => new[] { module.A, module.B, module.Magnitude, module.LoraBias })
            .Concat(Biases.Values)
            .Concat(Saved.Values.SelectMany(module => new[] { module.Weight, module.Bias }))
            .Concat(TokenRows.Values.Select(rows => rows.Rows))
            .OfType<SafetensorsEntry>()
            .Distinct();

    /// <summary>Whether it has only low-rank updates, whose effect can be determined without the base.</summary>
    public bool IsLowRankOnly =>
        Biases.Count + Saved.Count + TokenRows.Count == 0 && Modules.All(module => module.Magnitude is null);

    /// <summary>The number of elements in memory, in the compute dtype, in the forms used for serving.</summary>
    /// <param name="modules">The base.</param>
    public long LoadedElements(ModelModules modules)
    {
        var saved = Saved.Values.Sum(module => Elements(module.Weight) + (module.Bias is null ? 0 : Elements(module.Bias)));
        var biases = Biases.Where(bias => Modules.All(module => module.Linear.Path != bias.Key)).Sum(bias => Elements(bias.Value));
        return Modules.Sum(LoadedElements) + saved + biases + TokenRows.Sum(rows => LoadedElements(rows.Key, rows.Value, modules));
    }

    /// <summary>
    /// Bytes of temporary memory for conversion to the forms used for serving: one tensor at a time, a copy and float32 intermediates.
    /// </summary>
    public long WorkingBytes
    {
        get
        {
            const int Forms = 3;
            return Forms * sizeof(float) * Trained.Select(Elements).DefaultIfEmpty().Max();
        }
    }

    private long LoadedElements(PeftModule module)
    {
        var (_, _, outputs, hasBias) = module.Linear;
        var hasShift = module.LoraBias is not null || (hasBias && (module.Magnitude is not null || Biases.ContainsKey(module.Linear.Path)));
        return Elements(module.A) + Elements(module.B) + (module.Magnitude is null ? 0 : outputs) + (hasShift ? outputs : 0);
    }

    private static long LoadedElements(string path, TokenRows rows, ModelModules modules)
    {
        // Ids of 64 bits beside numbers of 16 or more.
        const long IdSize = 4;
        var (_, hidden, vocabulary, _) = modules.HeadModule;
        return path == modules.Head
            ? Math.Min(rows.Ids.Count * ((long)vocabulary + hidden), (long)vocabulary * hidden)
            : rows.Ids.Count * (IdSize + hidden);
    }

    private static long Elements(SafetensorsEntry entry) => entry.Shape.Aggregate(1L, (product, size) => product * size);
}

/// <summary>A copy of a tensor of the base.</summary>
/// <param name="Name">Its name in the base.</param>
/// <param name="Entry">The copy.</param>
/// <param name="IsNamedAsTrained">Whether it is named in the file like a module that was trained and saved whole.</param>
internal sealed record BaseCopy(string Name, SafetensorsEntry Entry, bool IsNamedAsTrained);

/// <summary>A module that was saved whole.</summary>
/// <param name="Weight">[out, in] of a linear module, [vocabulary, hidden] of the embedding, [size] of a norm.</param>
/// <param name="Bias">[out], or null for none.</param>
internal sealed record SavedModule(SafetensorsEntry Weight, SafetensorsEntry? Bias);

/// <summary>Rows of trained tokens.</summary>
/// <param name="Ids">Token ids, each once.</param>
/// <param name="Rows">[tokens, hidden], in the order of the ids.</param>
internal sealed record TokenRows(IReadOnlyList<int> Ids, SafetensorsEntry Rows);
