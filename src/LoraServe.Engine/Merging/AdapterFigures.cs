using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using LoraServe.Engine.Sequences;

namespace LoraServe.Engine.Merging;

/// <summary>Merged size and rank of adapter versions, remembered because every step asks for them.</summary>
/// <param name="weights">The base.</param>
internal sealed class AdapterFigures(BaseWeights weights)
{
    // A bound on memory. Past it, all are computed again.
    private const int MaxVersions = 4096;

    private readonly Dictionary<AdapterVersionId, Figures> _known = [];

    /// <summary>Bytes of the slot of a version that <see cref="Of"/> was asked for lately; 0 for others.</summary>
    public long BytesOf(AdapterVersionId version) => _known.GetValueOrDefault(version).Bytes;

    /// <summary>Of a sequence's adapter.</summary>
    public Figures Of(Sequence sequence)
    {
        if (_known.TryGetValue(sequence.AdapterVersion, out var known)) return known;
        if (_known.Count >= MaxVersions) _known.Clear();
        // Not of the merged form, which has no ranks.
        var adapter = sequence.Request.Adapter.Adapter;
        var rank = adapter.Linears.Values.OfType<LowRankUpdate>().Select(lora => (int)lora.A.size(0)).DefaultIfEmpty().Max();
        return _known[sequence.AdapterVersion] = new Figures(AdapterMerger.Bytes(weights, adapter), rank);
    }

    /// <summary>Figures of one version.</summary>
    /// <param name="Bytes">Of its slot.</param>
    /// <param name="Rank">Its highest rank.</param>
    public readonly record struct Figures(long Bytes, int Rank);
}
