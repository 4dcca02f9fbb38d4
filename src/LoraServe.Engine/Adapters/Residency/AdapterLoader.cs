using System.Runtime.CompilerServices;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Peft;
using LoraServe.Text.Templates;

namespace LoraServe.Engine.Adapters.Residency;

/// <summary>Reads adapters from disk into memory, and builds mixes of them.</summary>
/// <param name="admission">Checks them again: files may have changed since they were accepted.</param>
/// <param name="store">Where they are.</param>
/// <param name="model">The base; it is only read.</param>
internal sealed class AdapterLoader(AdapterAdmission admission, AdapterStore store, AdapterBase model)
{
    // They belong to an adapter in memory, and are freed with it.
    private readonly ConditionalWeakTable<LoraAdapter, ChatTemplates> _templates = [];

    /// <summary>The chat templates that an adapter had when loaded; of a mix, those that all parts have. Or null.</summary>
    public ChatTemplates? TemplatesOf(LoraAdapter adapter) => _templates.TryGetValue(adapter, out var templates) ? templates : null;

    /// <summary>The adapter or the mix, owned by the caller.</summary>
    /// <param name="adapter">What to load.</param>
    /// <param name="cache">Where parts of a mix may be in memory already.</param>
    /// <exception cref="DamagedVersionException">Files of it cannot be loaded.</exception>
    /// <exception cref="InvalidAdapterReferenceException">A part is of a form that cannot be mixed.</exception>
    public LoraAdapter Load(ResolvedAdapter adapter, AdapterCache cache) => adapter.IsMix ? Mix(adapter, cache) : Read(adapter.Parts[0]);

    /// <summary>The files of an adapter, which must be those that were accepted; the caller closes them.</summary>
    /// <param name="part">What to open.</param>
    /// <exception cref="DamagedVersionException">They cannot be read, or have changed.</exception>
    public PeftAdapter Open(ResolvedPart part) => Open(part, out _);

    private PeftAdapter Open(ResolvedPart part, out ChatTemplates? templates)
    {
        var version = part.Version.Version;
        try
        {
            var peft = admission.Open(store.FolderOf(part), out templates, allowNoEffect: true, inMemory: true);
            if (peft.Version == version) return peft;
            using (peft)
            {
                throw new DamagedVersionException(
                    part, $"its files have changed since it was accepted, they hash to {peft.Version} instead of {version}.", isLasting: true);
            }
        }
        catch (InvalidAdapterException e)
        {
            throw new DamagedVersionException(part, $"{e.Message}.", isLasting: true, e);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DamagedVersionException(part, "its files are missing.", isLasting: true, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The system's message would reveal paths of the server to clients; the log has it.
            throw new DamagedVersionException(part, "its files cannot be read.", isLasting: false, e);
        }
    }

    private LoraAdapter Mix(ResolvedAdapter mix, AdapterCache cache)
    {
        var held = new List<(LoraAdapter Adapter, IDisposable Hold)>();
        try
        {
            foreach (var part in mix.Parts)
            {
                held.Add(Hold(part, cache));
                if (LoraMix.Refusal(held[^1].Adapter) is { } reason)
                    throw new InvalidAdapterReferenceException($"'{part.Alias.Name}' cannot be mixed: it {reason}", part.Alias.Name);
            }

            var combined = LoraMix.Combine(mix.Version, [.. held.Zip(mix.Parts, (hold, part) => (hold.Adapter, part.Coefficient))]);
            if (CommonTemplates(held.Select(hold => TemplatesOf(hold.Adapter))) is { } templates) _templates.Add(combined, templates);
            return combined;
        }
        finally
        {
            foreach (var (_, hold) in held) hold.Dispose();
        }
    }

    private static ChatTemplates? CommonTemplates(IEnumerable<ChatTemplates?> templates) =>
        templates.DistinctBy(own => own?.Identity).ToList() is [{ } common] ? common : null;

    private (LoraAdapter Adapter, IDisposable Hold) Hold(ResolvedPart part, AdapterCache cache)
    {
        if (cache.TryAcquire(part.Version.Version) is { } lease) return (lease.Adapter, lease);
        var adapter = Read(part);
        return (adapter, adapter);
    }

    private LoraAdapter Read(ResolvedPart part)
    {
        using var peft = Open(part, out var templates);
        var adapter = peft.Load(model.Dtype, model.Device, model.Tensor);
        if (templates is not null) _templates.Add(adapter, templates.WithSpecialTokensOf(model.Templates));
        return adapter;
    }
}
