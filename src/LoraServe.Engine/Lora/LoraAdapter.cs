using static TorchSharp.torch;

namespace LoraServe.Engine.Lora;

/// <summary>
/// One immutable adapter version in memory: the changes to each module of the base. Its tensors are in no dispose scope, are not
/// inference tensors and need no gradient; disposing the adapter frees them.
/// </summary>
/// <param name="version">SHA-256 of its content, lower-case hexadecimal; "base" for the base.</param>
/// <param name="linears">Changes of linear modules by the module's path, the output head among them.</param>
internal sealed class LoraAdapter(AdapterVersionId version, IReadOnlyDictionary<string, LinearUpdate> linears) : IDisposable
{
    private static readonly Dictionary<string, Tensor> None = [];

    private readonly List<IDisposable> _companions = [];

    /// <summary>The base model: an adapter without changes. Disposing it does nothing.</summary>
    public static readonly LoraAdapter Base = new(AdapterVersionId.Base, new Dictionary<string, LinearUpdate>());

    /// <summary>SHA-256 of its content, lower-case hexadecimal; "base" for the base.</summary>
    public AdapterVersionId Version { get; } = version;

    /// <summary>Changes of linear modules by the module's path, the output head among them.</summary>
    public IReadOnlyDictionary<string, LinearUpdate> Linears { get; } = linears;

    /// <summary>The change of the token embedding; null for none.</summary>
    public EmbeddingUpdate? Embedding { get; init; }

    /// <summary>Weights [size] that replace those of norms, by the norm's path.</summary>
    public IReadOnlyDictionary<string, Tensor> Norms { get; init; } = None;

    /// <summary>
    /// Activated LoRA (Greenewald et al. 2025): the adapter acts from the last occurrence of these tokens in the prompt on, and not at all in
    /// a prompt without them. Empty: it acts on every token.
    /// </summary>
    public IReadOnlyList<int> InvocationTokens { get; init; } = [];

    /// <summary>Memory of all tensors, in bytes.</summary>
    public long Bytes => Tensors().Sum(tensor => tensor.numel() * tensor.element_size());

    /// <summary>Takes the tensors out of the current dispose scope.</summary>
    public void DetachFromDisposeScope()
    {
        foreach (var tensor in Tensors()) tensor.DetachFromDisposeScope();
    }

    /// <summary>Keeps what is made from the tensors and freed before them.</summary>
    public void Keep(IDisposable companion) => _companions.Add(companion);

    /// <summary>Frees what is made from the tensors.</summary>
    public void FreeCompanions()
    {
        foreach (var companion in _companions) companion.Dispose();
        _companions.Clear();
    }

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        FreeCompanions();
        foreach (var tensor in Tensors()) tensor.Dispose();
    }

    private IEnumerable<Tensor> Tensors() =>
        Linears.Values.SelectMany(update => update.Tensors).Concat(Embedding?.Tensors ?? []).Concat(Norms.Values);
}
