using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Lora;
using static TorchSharp.torch;

namespace LoraServe.Engine.Merging;

/// <summary>The weights of one adapter version merged into the base's, beside the base. Belongs to the engine's thread.</summary>
/// <param name="plain">Holds the tensors that the merged form shares with the adapter; disposed with the slot.</param>
/// <param name="merged">Freed with the slot.</param>
/// <param name="bytes">Its part of the budget.</param>
internal sealed class MergedSlot(AdapterLease plain, MergedTensors merged, long bytes) : IDisposable
{
    private int _users;

    public AdapterVersionId Version => plain.Version;

    public long Bytes { get; } = bytes;

    /// <summary>The merged form, on which the model runs in place of the adapter.</summary>
    public LoraAdapter Adapter => merged.Adapter;

    /// <summary>Whether a person merged it: then it stays until a person unmerges it.</summary>
    public bool IsPinned { get; set; }

    /// <summary>Whether a person unmerged it, so that it goes with its last user.</summary>
    public bool IsUnwanted { get; set; }

    /// <summary>When a step last ran on it, as time since the engine's start; at first when it was filled.</summary>
    public TimeSpan LastUse { get; set; }

    /// <summary>Whether another slot may take its memory.</summary>
    public bool CanGo => !IsPinned && _users == 0;

    /// <summary>
    /// A lease for a sequence that always runs merged, in place of its lease on the plain adapter, which it takes over. The slot stays until
    /// the lease is disposed, on the engine's thread.
    /// </summary>
    public AdapterLease Lease(AdapterLease asked)
    {
        _users++;
        return new AdapterLease(Adapter, Release)
        {
            Name = asked.Name,
            EngineShare = asked.EngineShare,
            Mode = asked.Mode,
            ChatTemplates = asked.ChatTemplates,
        };

        void Release()
        {
            _users--;
            asked.Dispose();
        }
    }

    /// <summary>Ends the slot and hands its memory of <see cref="Bytes"/> over.</summary>
    public Tensor Vacate()
    {
        var memory = merged.Vacate();
        plain.Dispose();
        return memory;
    }

    /// <summary>Frees the merged weights.</summary>
    public void Dispose() => Vacate().Dispose();
}
