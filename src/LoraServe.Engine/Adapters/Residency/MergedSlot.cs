using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Adapters.Residency;

/// <summary>The weights of one adapter version merged into the base's, beside the base. Belongs to the engine's thread.</summary>
/// <param name="plain">Keeps what the merged form shares with the adapter; the slot gives it back.</param>
/// <param name="merged">The slot frees it.</param>
/// <param name="bytes">What it counts against the budget.</param>
internal sealed class MergedSlot(AdapterLease plain, MergedAdapter merged, long bytes) : IDisposable
{
    private int _users;

    public string Version => plain.Version;

    public long Bytes { get; } = bytes;

    /// <summary>What the model runs on in place of the adapter.</summary>
    public LoraAdapter Adapter => merged.Adapter;

    /// <summary>Whether a person asked for it: it stays until a person unmerges it.</summary>
    public bool IsPinned { get; set; }

    /// <summary>Whether a person wants it gone as soon as it can go.</summary>
    public bool IsUnwanted { get; set; }

    /// <summary>When a step last ran on it, as time since the engine's start; at first when it was filled.</summary>
    public TimeSpan LastUse { get; set; }

    /// <summary>Whether nobody would miss it: some other slot may take its memory.</summary>
    public bool CanGo => !IsPinned && _users == 0;

    /// <summary>
    /// A lease for somebody who always runs merged, to take the place of the lease on the plain adapter; until it is disposed, on the engine's
    /// thread, the slot stays.
    /// </summary>
    public AdapterLease Lease(AdapterLease asked)
    {
        _users++;
        return new AdapterLease(Adapter, Release)
        {
            Name = asked.Name,
            Weight = asked.Weight,
            Mode = asked.Mode,
            ChatTemplates = asked.ChatTemplates,
        };

        void Release()
        {
            _users--;
            asked.Dispose();
        }
    }

    /// <summary>Ends the slot and hands its memory over, of <see cref="Bytes"/>.</summary>
    public Tensor Vacate()
    {
        var memory = merged.Vacate();
        plain.Dispose();
        return memory;
    }

    /// <summary>Frees the merged weights.</summary>
    public void Dispose() => Vacate().Dispose();
}
