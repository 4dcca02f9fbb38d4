using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Lora;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraServe.Engine.Peft;

/// <summary>
/// Converts an adapter file to the forms used for serving: computed in float32 from the file and the base, rounded once to the compute dtype.
/// </summary>
/// <param name="file">The open file.</param>
/// <param name="content">The tensors of the file.</param>
/// <param name="modules">The base.</param>
/// <param name="baseTensor">The base's tensors by name; owned by the base.</param>
/// <param name="dtype">The compute dtype.</param>
/// <param name="device">The device of adapter and base.</param>
internal sealed class PeftLoader(
    SafetensorsFile file, PeftContent content, ModelModules modules, Func<string, Tensor> baseTensor, ScalarType dtype, Device device)
{
    /// <summary>The adapter; its tensors are in no dispose scope.</summary>
    public LoraAdapter Load(AdapterVersionId version, IReadOnlyList<int> invocationTokens)
    {
        using var normalMode = inference_mode(false);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var adapter = new LoraAdapter(version, Linears())
        {
            Embedding = Embedding(),
            Norms = modules.Norms.Keys.Where(content.Saved.ContainsKey)
                .ToDictionary(path => path, path => Rounded(content.Saved[path].Weight), StringComparer.Ordinal),
            InvocationTokens = invocationTokens,
        };
        adapter.DetachFromDisposeScope();
        return adapter;
    }

    private Dictionary<string, LinearUpdate> Linears()
    {
        var updates = new Dictionary<string, LinearUpdate>(StringComparer.Ordinal);
        foreach (var module in content.Modules.Where(module => module.Linear.Path != modules.Embedding.Path))
            updates.Add(module.Linear.Path, LowRank(module));
        foreach (var path in content.Biases.Keys.Where(path => !updates.ContainsKey(path))) updates.Add(path, BiasAlone(path));
        foreach (var linear in modules.Linears)
        {
            if (content.Saved.TryGetValue(linear.Path, out var saved))
                updates.Add(linear.Path, new ReplacedLinear(Rounded(saved.Weight), saved.Bias is null ? null : Rounded(saved.Bias)));
        }

        if (content.TokenRows.TryGetValue(modules.Head, out var rows)) updates.Add(modules.Head, HeadRows(rows));
        return updates;
    }

    private LowRankUpdate LowRank(PeftModule module)
    {
        using var scope = NewDisposeScope();
        var (a, b, scale) = Factors(module, () => baseTensor($"{module.Linear.Path}.weight"));
        return Moved(new LowRankUpdate(Round(a), Round(b), RoundAny(scale), RoundAny(Shift(module, scale))));
    }

    // A, s B and DoRA's g, if any, which is then also multiplied into B; weight is W [out, in].
    private (Tensor A, Tensor B, Tensor? Scale) Factors(PeftModule module, Func<Tensor> weight)
    {
        var (a, b) = (Wide(module.A), Scaled(module.B, module));
        if (module.Magnitude is null) return (a, b, null);
        var scale = DoraScale.Of(weight(), a, b, Wide(module.Magnitude));
        return (a, b.mul_(scale.unsqueeze(1)), scale);
    }

    // scale acts on all of y = W x + b: the shift undoes it for the bias and adds trained biases.
    private Tensor? Shift(PeftModule module, Tensor? scale)
    {
        var path = module.Linear.Path;
        var shift = module.LoraBias is null ? null : Scaled(module.LoraBias, module);
        if (!module.Linear.HasBias || (scale is null && !content.Biases.ContainsKey(path))) return shift;

        var own = baseTensor($"{path}.bias").to(ScalarType.Float32);
        var wanted = content.Biases.TryGetValue(path, out var trained) ? Wide(trained) : own;
        var change = wanted.sub(scale is null ? own : own.mul(scale));
        return shift is null ? change : shift.Plus(change);
    }

    private LowRankUpdate BiasAlone(string path)
    {
        using var scope = NewDisposeScope();
        var weight = baseTensor($"{path}.weight");
        var shift = Wide(content.Biases[path]).sub(baseTensor($"{path}.bias").to(ScalarType.Float32));
        return Moved(new LowRankUpdate(
            zeros([0, weight.size(1)], dtype, device), zeros([weight.size(0), 0], dtype, device), Shift: Round(shift)));
    }

    // Replacing rows of W is an update of as many ranks: A holds the differences, B a one for each row. With many rows the
    // whole weight is smaller.
    private LinearUpdate HeadRows(TokenRows rows)
    {
        using var scope = NewDisposeScope();
        var weight = baseTensor($"{modules.Head}.weight");
        var ids = Ids(rows);
        var trained = Wide(rows.Rows);
        var (vocabulary, hidden) = (weight.size(0), weight.size(1));
        if (rows.Ids.Count * (vocabulary + hidden) >= vocabulary * hidden)
            return Moved(new ReplacedLinear(weight.index_copy(0, ids, Round(trained)), null));

        var difference = trained.sub(weight.index_select(0, ids).to(ScalarType.Float32));
        var places = zeros([vocabulary, rows.Ids.Count], dtype, device);
        places.index_copy_(0, ids, eye(rows.Ids.Count, dtype: dtype, device: device));
        return Moved(new LowRankUpdate(Round(difference), places));
    }

    private EmbeddingUpdate? Embedding()
    {
        var path = modules.Embedding.Path;
        if (content.Saved.TryGetValue(path, out var saved)) return new ReplacedEmbedding(Rounded(saved.Weight));
        if (content.TokenRows.TryGetValue(path, out var rows)) return new ReplacedRows(Ids(rows), Rounded(rows.Rows));
        if (content.Modules.FirstOrDefault(module => module.Linear.Path == path) is not { } module) return null;

        using var scope = NewDisposeScope();
        var (a, b, scale) = Factors(module, () => baseTensor($"{path}.weight").t());
        var update = new LowRankEmbedding(Round(a), Round(b), RoundAny(scale));
        foreach (var tensor in update.Tensors) tensor.MoveToOuterDisposeScope();
        return update;
    }

    private static T Moved<T>(T update) where T : LinearUpdate
    {
        foreach (var tensor in update.Tensors) tensor.MoveToOuterDisposeScope();
        return update;
    }

    private Tensor Ids(TokenRows rows) => tensor(rows.Ids.Select(id => (long)id).ToArray(), device: device);

    private Tensor Scaled(SafetensorsEntry entry, PeftModule module)
    {
        using var scaling = ((float)module.Scaling).ToScalar();
        return Wide(entry).mul_(scaling);
    }

    private Tensor Wide(SafetensorsEntry entry) => Read(entry, ScalarType.Float32);

    private Tensor Rounded(SafetensorsEntry entry) => Read(entry, dtype);

    private Tensor Read(SafetensorsEntry entry, ScalarType type)
    {
        using var stored = file.Read(entry.Name);
        return stored.to(type, device);
    }

    private Tensor? RoundAny(Tensor? tensor) => tensor is null ? null : Round(tensor);

    private Tensor Round(Tensor tensor) => tensor.to(dtype, device).contiguous();
}
