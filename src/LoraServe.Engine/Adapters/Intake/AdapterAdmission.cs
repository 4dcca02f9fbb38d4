using System.Diagnostics.CodeAnalysis;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Peft;
using LoraServe.Text.Faults;
using LoraServe.Text.Templates;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraServe.Engine.Adapters.Intake;

/// <summary>Checks names and PEFT folders against the base, and reports every fault in one message.</summary>
/// <param name="modules">The base.</param>
/// <param name="baseTensor">The base's own tensors by their names; they are only read.</param>
/// <param name="maxRank">The highest rank that is served.</param>
/// <param name="dtype">The compute dtype.</param>
/// <param name="fingerprint">The fingerprint of the base's weights as its checkpoint stores them, for <see cref="Rules"/>.</param>
internal sealed class AdapterAdmission(
    ModelModules modules, Func<string, Tensor> baseTensor, int maxRank, ScalarType dtype, string fingerprint = "")
{
    private const int ConcurrentChecks = 2;

    private const long PieceElements = 1 << 22;

    // Raised whenever the rules change, so that what older ones accepted is checked again.
    private const int Revision = 1;

    /// <summary>The name of the base.</summary>
    public string BaseName => modules.ModelName;

    /// <summary>What an adapter is checked against: the base, and the rules of this release.</summary>
    public string Rules { get; } = $"{modules.ModelName} {fingerprint} {dtype} rank {maxRank} rules {Revision}";

    /// <summary>Limits concurrent checks: each reads all of an adapter.</summary>
    public Turns Turns { get; } = new(ConcurrentChecks);

    /// <summary>Checks a folder under a name and describes its content.</summary>
    /// <param name="name">The name under which it is to be served.</param>
    /// <param name="folder">With the two files of PEFT, and those of its own chat templates if it has any.</param>
    /// <param name="created">When the name is assigned.</param>
    /// <param name="allowNoEffect">Whether an adapter without any effect is accepted.</param>
    /// <param name="inMemory">Whether the tensors are read into memory, so that the file may change meanwhile, or mapped.</param>
    /// <exception cref="InvalidAdapterException">The name or the folder is refused.</exception>
    public AdapterInfo Check(string name, string folder, DateTimeOffset created, bool allowNoEffect = false, bool inMemory = false)
    {
        CheckName(name);
        using var peft = Open(folder, out var templates, allowNoEffect, inMemory);
        return Describe(name, peft, templates, created);
    }

    /// <summary>Checks an upload under a name; the caller closes it.</summary>
    /// <param name="name">The name under which it is to be served.</param>
    /// <param name="upload">Complete.</param>
    /// <param name="options">What is allowed.</param>
    /// <param name="created">When the name is assigned.</param>
    /// <exception cref="InvalidAdapterException">The name or the upload is refused.</exception>
    public CheckedUpload Check(string name, AdapterUpload upload, AddOptions options, DateTimeOffset created)
    {
        CheckName(name);
        var peft = Open(upload.Folder, out var templates, options.AllowNoEffect);
        return new CheckedUpload(upload, options, Describe(name, peft, templates, created), peft);
    }

    /// <summary>Opens a folder whose content fits the base; the caller closes it.</summary>
    /// <param name="folder">With the two files of PEFT.</param>
    /// <param name="allowNoEffect">Whether an adapter without any effect is accepted.</param>
    /// <param name="inMemory">Whether the tensors are read into memory, so that the file may change meanwhile, or mapped.</param>
    /// <exception cref="InvalidAdapterException">With every fault.</exception>
    public PeftAdapter Open(string folder, bool allowNoEffect = false, bool inMemory = false) =>
        Open(folder, out _, allowNoEffect, inMemory);

    /// <summary>The same, and the chat templates that are in the folder; null if it has none.</summary>
    public PeftAdapter Open(string folder, out ChatTemplates? templates, bool allowNoEffect = false, bool inMemory = false)
    {
        var found = ChatTemplates.LoadOfAdapter(folder);
        templates = found.Names.Count > 0 ? found : null;
        PeftAdapter peft;
        try
        {
            peft = PeftAdapter.Open(folder, modules, maxRank, allowNoEffect, inMemory, templates?.Identity);
        }
        catch (InvalidPeftException e)
        {
            throw new InvalidAdapterException(
                e.Malformed.Count + found.Faults.Count > 0 ? AdapterFault.Malformed : AdapterFault.Incompatible,
                [.. e.Malformed, .. found.Faults, .. e.Incompatible]);
        }

        if (found.Faults.Count > 0)
        {
            peft.Dispose();
            throw new InvalidAdapterException(AdapterFault.Malformed, found.Faults);
        }

        List<string> faults =
        [
            .. peft.Content.BaseCopies.Where(copy => !IsOfBase(peft, copy)).Select(copy =>
                $"{PeftAdapter.TensorFileName}: '{copy.Entry.Name}' is not the base's own: "
                + (copy.IsNamedAsTrained
                    ? $"it was changed, but it is not in modules_to_save of {PeftConfig.FileName}, or the adapter was made on another base"
                    : "the adapter was made on another base")),
        ];
        if (faults.Count == 0 && !allowNoEffect && !HasEffect(peft))
            faults.Add($"{PeftAdapter.TensorFileName}: everything in it is as in the base: the adapter would act as the bare base model");
        if (faults.Count == 0) return peft;
        peft.Dispose();
        throw new InvalidAdapterException(AdapterFault.Incompatible, faults);
    }

    /// <summary>Checks a name alone.</summary>
    /// <exception cref="InvalidAdapterException">It is refused.</exception>
    public void CheckName(string name)
    {
        var fault = !AdapterName.IsValid(name) ? $"name: expected {AdapterName.Rule}, found '{FaultText.Shorten(name)}'"
            : Reservation(name) is { } reason ? $"name: '{name}' {reason}"
            : null;
        if (fault is not null) throw new InvalidAdapterException(AdapterFault.Malformed, [fault]);
    }

    /// <summary>Why no adapter may get this well-formed name, as words that follow it; null if it may.</summary>
    public string? Reservation(string name) => name == modules.ModelName ? "is the name of the base model" : AdapterName.Reservation(name);

    /// <summary>Whether a configuration names another base, which may be a copy of this one under another name.</summary>
    public bool IsOtherBase([NotNullWhen(true)] string? name)
    {
        return name is not null && !LastPart(name).Equals(LastPart(modules.ModelName), StringComparison.OrdinalIgnoreCase);

        static string LastPart(string path) => path.Split('/')[^1];
    }

    private AdapterInfo Describe(string name, PeftAdapter peft, ChatTemplates? templates, DateTimeOffset created)
    {
        var size = new FileInfo(Path.Combine(peft.Folder, PeftAdapter.TensorFileName)).Length;
        return new AdapterInfo
        {
            Name = name,
            Version = peft.Version,
            Rank = peft.Modules.Select(module => module.Rank).DefaultIfEmpty().Max(),
            Alpha = peft.Config.Alpha,
            UsesRsLora = peft.Config.UsesRsLora,
            UsesDora = peft.Config.UsesDora,
            InvocationTokens = peft.Config.InvocationTokens,
            TargetModules = [.. peft.Modules.Select(module => module.Linear.Path.Split('.')[^1]).Distinct().Order(StringComparer.Ordinal)],
            SavedModules = [.. peft.Content.Saved.Keys.Order(StringComparer.Ordinal)],
            HasChatTemplate = templates is not null,
            ModuleCount = peft.Modules.Count,
            Parameters = peft.Content.Trained.Sum(tensor => tensor.Shape.Aggregate(1L, (product, size) => product * size)),
            LoadedBytes = peft.Content.LoadedElements(modules) * dtype.ElementSize(),
            LoadingBytes = size + peft.Content.WorkingBytes,
            SizeBytes = size,
            BaseModelName = peft.Config.BaseModelName,
            Created = created,
            Warnings = [.. peft.Warnings, .. WarnOfOtherBase(peft.Config.BaseModelName)],
        };
    }

    // Only a warning: the shapes fit.
    private IEnumerable<string> WarnOfOtherBase(string? name)
    {
        if (!IsOtherBase(name)) return [];
        return [$"{PeftConfig.FileName}: base_model_name_or_path: made for '{FaultText.Limit(name)}', served on '{modules.ModelName}'"];
    }

    // Bitwise in the narrower of both dtypes: a copy in the dtype of training, or of the checkpoint, is the same weight. In pieces of some
    // rows, since this may be the largest tensor of all.
    private bool IsOfBase(PeftAdapter peft, BaseCopy copy)
    {
        var own = baseTensor(copy.Name);
        var rows = Math.Max(1, PieceElements / Math.Max(1, own.numel() / own.size(0)));
        for (var start = 0L; start < own.size(0); start += rows)
        {
            using var scope = NewDisposeScope();
            var mine = own.narrow(0, start, Math.Min(rows, own.size(0) - start));
            using var stored = peft.Read(copy.Entry, start, mine.size(0));
            var piece = stored.to(own.device);
            var narrower = piece.dtype.ElementSize() > own.dtype.ElementSize() ? own.dtype : piece.dtype;
            if (!piece.to(narrower).eq(mine.to(narrower)).all().item<bool>()) return false;
        }

        return true;
    }

    // Only the few adapters whose low-rank updates are all zero have to be loaded for this.
    private bool HasEffect(PeftAdapter peft)
    {
        if (peft.HasLowRankEffect) return true;
        var own = baseTensor($"{ModelLayout.Embedding}.weight");
        using var adapter = peft.Load(own.dtype, own.device, baseTensor);
        return !LoraIdentity.Is(adapter, baseTensor);
    }
}
