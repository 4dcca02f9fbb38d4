using LoraServe.Engine.Checkpoints;

namespace LoraServe.Engine.Lora;

/// <summary>
/// Matches the tensors of an adapter file with the modules that its configuration targets: every tensor must have its module, every
/// module its A and B, of the right shape and finite. What PEFT would silently leave at zero is a fault here.
/// </summary>
internal sealed class PeftTensors
{
    private readonly SafetensorsFile _file;
    private readonly ModelModules _base;
    private readonly PeftFaults _faults;
    private readonly Dictionary<(string Path, PeftRole Role), SafetensorsEntry> _byRole = [];
    private readonly Dictionary<string, LinearModule> _linears;

    public PeftTensors(SafetensorsFile file, ModelModules modules, PeftFaults faults)
    {
        (_file, _base, _faults) = (file, modules, faults);
        _linears = modules.Linears.ToDictionary(linear => linear.Path, StringComparer.Ordinal);
        ReadRoles();
    }

    /// <summary>
    /// Copies of the base's own weights by module, of the right shape; whether their values are the base's is not checked.
    /// </summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> BaseCopies =>
        _byRole.Where(pair => pair.Key.Role == PeftRole.BaseWeight)
            .ToDictionary(pair => pair.Key.Path, pair => pair.Value, StringComparer.Ordinal);

    /// <summary>The updates of the targeted modules in their order; incomplete where faults were found.</summary>
    public IReadOnlyList<PeftModule> Match(IReadOnlyList<LinearModule> targets, PeftConfig config)
    {
        var modules = new List<PeftModule>();
        foreach (var linear in targets)
        {
            var rank = config.RankOf(linear.Path);
            var a = Find(linear, PeftRole.LoraA, [rank, linear.InFeatures]);
            var b = Find(linear, PeftRole.LoraB, [linear.OutFeatures, rank]);
            if (a is not null && b is not null)
                modules.Add(new PeftModule(linear, rank, config.AlphaOf(linear.Path), config.ScalingOf(linear.Path), a, b));
        }

        CheckUntargeted(targets);
        if (!_faults.Any) CheckValues(modules);
        return modules;
    }

    private void ReadRoles()
    {
        if (_file.Entries.Count == 0) _faults.Incompatible($"{_file.FileName}: no tensors");
        var refused = new SortedDictionary<PeftRole, List<string>>();
        foreach (var entry in _file.Entries.Values)
        {
            var (path, role) = PeftTensorName.Parse(entry.Name);
            if (role is not (PeftRole.LoraA or PeftRole.LoraB or PeftRole.BaseWeight))
            {
                if (!refused.TryAdd(role, [entry.Name])) refused[role].Add(entry.Name);
            }
            else if (!_byRole.TryAdd((path, role), entry))
            {
                _faults.Incompatible($"{_file.FileName}: '{_byRole[(path, role)].Name}' and '{entry.Name}' are both the {role} of {path}");
            }
            else if (role != PeftRole.BaseWeight || HasShapeOfBase(path, entry))
            {
                CheckDtype(entry);
            }
        }

        foreach (var (role, names) in refused) _faults.Incompatible($"{_file.FileName}: {Describe(role)}: {Count(names)}");
    }

    private void CheckDtype(SafetensorsEntry entry)
    {
        if (!entry.Dtype.IsReadable())
            _faults.Incompatible($"{_file.FileName}: '{entry.Name}': expected F32, F16 or BF16, found {entry.Dtype}");
    }

    private bool HasShapeOfBase(string path, SafetensorsEntry entry)
    {
        if (path.EndsWith("embed_tokens", StringComparison.Ordinal))
            _faults.Incompatible($"{_file.FileName}: '{entry.Name}': LoRA on embeddings is not supported");
        else if (!_linears.TryGetValue(path, out var linear))
            _faults.Incompatible($"{_file.FileName}: '{entry.Name}': {_base.ModelName} has no linear module '{path}'");
        else if (!entry.Shape.SequenceEqual([linear.OutFeatures, linear.InFeatures]))
            ReportShape($"'{entry.Name}'", [linear.OutFeatures, linear.InFeatures], entry);
        else
            return true;
        return false;
    }

    private SafetensorsEntry? Find(LinearModule linear, PeftRole role, long[] shape)
    {
        if (!_byRole.TryGetValue((linear.Path, role), out var entry))
            _faults.Incompatible($"{_file.FileName}: {Name(role)} of {linear.Path} is missing, a target of {PeftConfig.FileName}");
        else if (!entry.Shape.SequenceEqual(shape))
            ReportShape($"{Name(role)} of {linear.Path}", shape, entry);
        else
            return entry;
        return null;
    }

    private void ReportShape(string what, long[] expected, SafetensorsEntry found) => _faults.Incompatible(
        $"{_file.FileName}: {what}: expected [{string.Join(", ", expected)}], found [{string.Join(", ", found.Shape)}]");

    private void CheckUntargeted(IReadOnlyList<LinearModule> targets)
    {
        var paths = targets.Select(target => target.Path).ToHashSet(StringComparer.Ordinal);
        foreach (var ((path, _), entry) in _byRole.Where(pair => !paths.Contains(pair.Key.Path) && pair.Key.Role != PeftRole.BaseWeight))
        {
            _faults.Incompatible(_linears.ContainsKey(path)
                ? $"{_file.FileName}: '{entry.Name}': {path} is not among the target modules of {PeftConfig.FileName}"
                : $"{_file.FileName}: '{entry.Name}': {_base.ModelName} has no linear module '{path}'");
        }
    }

    private void CheckValues(List<PeftModule> modules)
    {
        var hasEffect = false;
        foreach (var module in modules)
        {
            var a = Largest(module.A);
            var b = Largest(module.B);
            // Also where B is zero: infinity times zero is not a number.
            var scaling = (float)module.Scaling;
            if (!float.IsFinite(scaling) || (float.IsFinite(b) && Math.Abs(module.Scaling) * b > float.MaxValue))
                _faults.Incompatible($"{_file.FileName}: '{module.B.Name}': scaled by {module.Scaling} it leaves the range of float32");
            hasEffect |= a != 0 && b != 0 && scaling != 0;
        }

        if (!hasEffect) _faults.Incompatible($"{_file.FileName}: every update is zero: the adapter would act as the bare base model");
    }

    private float Largest(SafetensorsEntry entry)
    {
        var largest = TensorMagnitude.Largest(_file, entry);
        if (!float.IsFinite(largest)) _faults.Incompatible($"{_file.FileName}: '{entry.Name}' holds a NaN or an infinity");
        return largest;
    }

    private static string Name(PeftRole role) => role == PeftRole.LoraA ? "lora_A" : "lora_B";

    private static string Count(List<string> names) => names.Count == 1 ? $"'{names[0]}'" : $"'{names[0]}' and {names.Count - 1} more";

    private static string Describe(PeftRole role) => role switch
    {
        PeftRole.BaseBias => "trained biases are not supported",
        PeftRole.LoraBias => "a bias on lora_B is not supported",
        PeftRole.Embedding => "LoRA on embeddings is not supported",
        PeftRole.DoraMagnitude => "DoRA is not supported",
        PeftRole.TrainableTokens => "trainable tokens are not supported",
        PeftRole.Whole => "modules saved whole beside LoRA are not supported",
        PeftRole.Mlx => "MLX's layout, convert it to PEFT's",
        PeftRole.Kohya => "kohya's layout, convert it to PEFT's",
        PeftRole.Gguf => "GGUF's layout, convert it to PEFT's",
        _ => "not a part of a LoRA adapter",
    };
}
