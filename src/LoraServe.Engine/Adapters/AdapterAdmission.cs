using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Adapters;

/// <summary>The door: checks names and PEFT folders against the base, and says every fault in one message.</summary>
/// <param name="modules">The base.</param>
/// <param name="equalsBase">Whether a weight [out, in] is the base's own weight of the module of this path.</param>
/// <param name="maxRank">The highest rank that is served.</param>
internal sealed class AdapterAdmission(ModelModules modules, Func<string, Tensor, bool> equalsBase, int maxRank)
{
    /// <summary>Checks a folder under a name and describes what it holds.</summary>
    /// <exception cref="InvalidAdapterException">The name or the folder is refused.</exception>
    public AdapterInfo Check(string name, string folder, DateTimeOffset created)
    {
        CheckName(name);
        using var peft = Open(folder);
        return new AdapterInfo
        {
            Name = name,
            Version = peft.Version,
            Rank = peft.Modules.Max(module => module.Rank),
            Alpha = peft.Config.Alpha,
            UsesRsLora = peft.Config.UsesRsLora,
            TargetModules = [.. peft.Modules.Select(module => module.Linear.Path.Split('.')[^1]).Distinct().Order(StringComparer.Ordinal)],
            ModuleCount = peft.Modules.Count,
            Parameters = peft.Modules.Sum(module => (long)module.Rank * (module.Linear.InFeatures + module.Linear.OutFeatures)),
            SizeBytes = new FileInfo(Path.Combine(folder, PeftAdapter.TensorFileName)).Length,
            BaseModelName = peft.Config.BaseModelName,
            Created = created,
            Warnings = [.. peft.Warnings, .. WarnOfOtherBase(peft.Config.BaseModelName)],
        };
    }

    /// <summary>Opens a folder whose content fits the base; the caller closes it.</summary>
    /// <exception cref="InvalidAdapterException">With every fault.</exception>
    public PeftAdapter Open(string folder)
    {
        PeftAdapter peft;
        try
        {
            peft = PeftAdapter.Open(folder, modules, maxRank);
        }
        catch (InvalidPeftException e)
        {
            throw new InvalidAdapterException(
                e.Malformed.Count > 0 ? AdapterFault.Malformed : AdapterFault.Incompatible, [.. e.Malformed, .. e.Incompatible]);
        }

        var foreign = peft.BaseCopies.Where(copy => !IsOfBase(peft, copy.Key, copy.Value)).Select(copy => copy.Value.Name).ToList();
        if (foreign.Count == 0) return peft;
        peft.Dispose();
        throw new InvalidAdapterException(
            AdapterFault.Incompatible,
            [.. foreign.Select(name =>
                $"{PeftAdapter.TensorFileName}: '{name}' is not the base's own weight: the adapter was made on another base")]);
    }

    private void CheckName(string name)
    {
        var fault = !AdapterName.IsValid(name) ? $"name: expected {AdapterName.Rule}, found '{name}'"
            : name == modules.ModelName ? $"name: '{name}' is the name of the base model"
            : null;
        if (fault is not null) throw new InvalidAdapterException(AdapterFault.Malformed, [fault]);
    }

    // Only a warning: the shapes fit, so it may be a copy of the base under another name.
    private IEnumerable<string> WarnOfOtherBase(string? name)
    {
        if (name is null || LastPart(name).Equals(LastPart(modules.ModelName), StringComparison.OrdinalIgnoreCase)) return [];
        return [$"{PeftConfig.FileName}: base_model_name_or_path: made for '{name}', served on '{modules.ModelName}'"];

        static string LastPart(string path) => path.Split('/')[^1];
    }

    private bool IsOfBase(PeftAdapter peft, string path, SafetensorsEntry entry)
    {
        using var copy = peft.ReadBaseCopy(entry);
        return equalsBase(path, copy);
    }
}
