using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Lora;

namespace LoraServe.Engine.Peft;

/// <summary>
/// Matches the tensors of an adapter file with the modules that its configuration lists as trained: every tensor must have its module, every
/// module its tensors, of the right shape. Mismatches for which PEFT would silently keep the base's weights are faults here.
/// </summary>
internal sealed class PeftMatcher(PeftConfig config, ModelModules modules, PeftTensors tensors, PeftFaults faults)
{
    private const string SavedBecause = "modules_to_save asks for it";

    private readonly IReadOnlyDictionary<string, long[]> _shapes = modules.Shapes();

    private bool TiesWeights => config.TiesWeights && modules.TiesHead;

    /// <summary>Matches all tensors; the result is incomplete if there are faults.</summary>
    /// <param name="targets">The adapted modules in their order.</param>
    public PeftContent Match(IReadOnlyList<LinearModule> targets)
    {
        CheckTargets(targets);
        var saved = Saved();
        var content = new PeftContent
        {
            Modules = [.. targets.Select(Module).OfType<PeftModule>()],
            Biases = Biases(targets.Select(target => target.Path).ToHashSet(StringComparer.Ordinal)),
            Saved = saved,
            TokenRows = new TokenRowsMatcher(config, modules, tensors, faults).Match(targets),
            BaseCopies = BaseCopies(),
        };
        new PeftLeftovers(config, modules, _shapes, tensors).Report();
        tensors.ReportMissing();
        return content;
    }

    private void CheckTargets(IReadOnlyList<LinearModule> targets)
    {
        if (TiesWeights && targets.Any(target => IsEmbeddingOrHead(target.Path)))
            Fault("ensure_weight_tying", "LoRA on embedding and head as one is not supported: train it without, or merge it with PEFT");
        if (config.InvocationTokens.Count == 0) return;
        foreach (var id in config.InvocationTokens.Where(id => id < 0 || id >= modules.VocabularySize).Take(1))
            Fault("alora_invocation_tokens", $"token {id} is not in the base's vocabulary of {modules.VocabularySize}");
        if (targets.Any(target => target.Path == modules.Embedding.Path))
            Fault("alora_invocation_tokens", "activated LoRA on the embedding is not supported");
    }

    private bool IsEmbeddingOrHead(string path) => path == modules.Embedding.Path || path == modules.Head;

    private void Fault(string option, string fault) => faults.Incompatible($"{PeftConfig.FileName}: {option}: {fault}");

    private PeftModule? Module(LinearModule linear)
    {
        const string Because = $"a target of {PeftConfig.FileName}";
        var isEmbedding = linear.Path == modules.Embedding.Path;
        var rank = config.RankOf(linear.Path);
        var a = tensors.Require(
            linear.Path, isEmbedding ? PeftRole.EmbeddingA : PeftRole.LoraA, Because, rank, linear.InFeatures);
        var b = tensors.Require(
            linear.Path, isEmbedding ? PeftRole.EmbeddingB : PeftRole.LoraB, Because, linear.OutFeatures, rank);
        var magnitude = config.UsesDora
            ? tensors.Require(linear.Path, PeftRole.Magnitude, "use_dora asks for it", linear.OutFeatures)
            : null;
        var bias = config.HasLoraBias && !isEmbedding
            ? tensors.Require(linear.Path, PeftRole.LoraBias, "lora_bias asks for it", linear.OutFeatures)
            : null;
        if (a is null || b is null) return null;
        return new PeftModule(linear, rank, config.AlphaOf(linear.Path), config.ScalingOf(linear.Path), a, b)
        {
            Magnitude = magnitude,
            LoraBias = bias,
        };
    }

    private Dictionary<string, SafetensorsEntry> Biases(HashSet<string> targets)
    {
        var biases = new Dictionary<string, SafetensorsEntry>(StringComparer.Ordinal);
        if (config.TrainedBiases == TrainedBiases.None) return biases;
        foreach (var linear in modules.Linears.Where(linear => linear.HasBias && !config.Saved.Contains(linear.Path)))
        {
            if (config.TrainedBiases == TrainedBiases.LoraOnly && !targets.Contains(linear.Path)) continue;
            var role = tensors.Has(linear.Path, PeftRole.BaseBias) ? PeftRole.BaseBias : PeftRole.Bias;
            if (tensors.Require(linear.Path, role, "bias asks for it", linear.OutFeatures) is { } bias) biases.Add(linear.Path, bias);
        }

        return biases;
    }

    private Dictionary<string, SavedModule> Saved()
    {
        var saved = new Dictionary<string, SavedModule>(StringComparer.Ordinal);
        var paths = config.Saved.Select(modules, faults);
        string[] tied = TiesWeights && paths.Any(IsEmbeddingOrHead) ? [modules.Embedding.Path, modules.Head] : [];
        foreach (var path in paths.Union(tied, StringComparer.Ordinal))
        {
            // The file may hold a weight shared by two modules once.
            var owner = tied.Contains(path) && !tensors.Has(path, PeftRole.Weight) ? tied.First(other => other != path) : path;
            if (tensors.Require(owner, PeftRole.Weight, SavedBecause, _shapes[$"{path}.weight"]) is not { } weight) continue;
            var hasBias = _shapes.TryGetValue($"{path}.bias", out var shape);
            saved.Add(path, new SavedModule(weight, hasBias ? tensors.Require(path, PeftRole.Bias, SavedBecause, shape!) : null));
        }

        return saved;
    }

    private List<BaseCopy> BaseCopies()
    {
        var copies = new List<BaseCopy>();
        foreach (var (path, role, _) in tensors.Left.Where(left => IsCopy(left.Path, left.Role)).ToList())
        {
            var name = $"{path}.{(role == PeftRole.BaseBias ? "bias" : "weight")}";
            if (_shapes.TryGetValue(name, out var shape) && tensors.Take(path, role, shape) is { } copy) copies.Add(new BaseCopy(name, copy, IsNamedAsTrained: role == PeftRole.Weight));
        }

        return copies;
    }

    // PEFT's save_embedding_layers writes embedding and head under their own names, like trained modules.
    private bool IsCopy(string path, PeftRole role) =>
        role is PeftRole.BaseWeight or PeftRole.BaseBias || (role == PeftRole.Weight && IsEmbeddingOrHead(path));
}
