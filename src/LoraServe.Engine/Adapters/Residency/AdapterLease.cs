using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Lora;
using LoraServe.Text.Templates;

namespace LoraServe.Engine.Adapters.Residency;

/// <summary>
/// A hold on one immutable adapter version. Disposing it lets the cache free the adapter; its tensors stay valid until then.
/// </summary>
public sealed class AdapterLease : IDisposable
{
    private readonly Holds _holds;
    private readonly AdapterLease? _kept;
    private int _disposed;

    /// <param name="adapter">What is held.</param>
    /// <param name="released">Called once, when this lease and all that were shared from it are disposed.</param>
    internal AdapterLease(LoraAdapter adapter, Action released)
        : this(adapter, new Holds(released))
    {
    }

    /// <param name="kept">A lease of the cache, owned by this one from now on.</param>
    /// <param name="ended">Called once, when this lease and all that were shared from it, but not those that only keep, are disposed.</param>
    internal AdapterLease(AdapterLease kept, Action ended)
        : this(
            kept.Adapter,
            new Holds(() =>
            {
                kept.Dispose();
                ended();
            }),
            kept)
    {
    }

    private AdapterLease(LoraAdapter adapter, Holds holds, AdapterLease? kept = null) => (Adapter, _holds, _kept) = (adapter, holds, kept);

    /// <summary>The name that was requested, or "base".</summary>
    public string Name { get; init; } = LoraAdapter.Base.Version.Value;

    /// <summary>SHA-256 of the adapter's content, or "base".</summary>
    public AdapterVersionId Version => Adapter.Version;

    /// <summary>Whether it holds the base model.</summary>
    public bool IsBase => Adapter == LoraAdapter.Base;

    /// <summary>Whether it is a mix that a request spells out, rather than an adapter or a saved mix.</summary>
    internal bool IsSpelledOut => !IsBase && !AdapterName.IsValid(Name);

    /// <summary>The adapter's share of the engine beside others; 1 unless set.</summary>
    public double EngineShare { get; init; } = 1;

    /// <summary>The adapter's own chat templates, or null if the base's apply. A mix has those that all of its parts have.</summary>
    public ChatTemplates? ChatTemplates { get; init; }

    /// <summary>How the adapter is run where a request does not say.</summary>
    public MergeMode Mode { get; init; }

    /// <summary>The adapter, valid until the lease is disposed.</summary>
    internal LoraAdapter Adapter { get; }

    /// <summary>A lease on the base model.</summary>
    public static AdapterLease Base() => new(LoraAdapter.Base, static () => { });

    /// <summary>Another hold on the same version, to be disposed on its own.</summary>
    public AdapterLease Share()
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        _holds.Add();
        return new AdapterLease(Adapter, _holds, _kept) { Name = Name, EngineShare = EngineShare, Mode = Mode, ChatTemplates = ChatTemplates };
    }

    /// <summary>A hold on the adapter that is no use of its name, to be disposed on its own.</summary>
    internal AdapterLease Keep()
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        return _kept?.Share() ?? Share();
    }

    /// <summary>Gives the hold back; a second call does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) _holds.Drop();
    }

    private sealed class Holds(Action released)
    {
        private int _count = 1;

        public void Add() => Interlocked.Increment(ref _count);

        public void Drop()
        {
            if (Interlocked.Decrement(ref _count) == 0) released();
        }
    }
}
