namespace LoraServe.Engine.Generation;

/// <summary>
/// Waiting sequences: in order of arrival within an adapter version, and the adapter versions take turns. While no more than k
/// adapters wait, a sequence with n of its own adapter before it is behind at most k (n + 1) - 1 others, however many of them arrive.
/// </summary>
internal sealed class FairQueue
{
    // In the order of their turns; an adapter is listed while a sequence of it waits.
    private readonly LinkedList<LinkedList<Sequence>> _turns = new();
    private readonly Dictionary<string, LinkedList<Sequence>> _adapters = new(StringComparer.Ordinal);
    private readonly Dictionary<long, LinkedListNode<Sequence>> _sequences = [];

    public int Count => _sequences.Count;

    public void Enqueue(Sequence sequence)
    {
        if (!_adapters.TryGetValue(sequence.AdapterVersion, out var line))
        {
            line = new LinkedList<Sequence>();
            _adapters.Add(sequence.AdapterVersion, line);
            _turns.AddLast(line);
        }

        _sequences.Add(sequence.Id, line.AddLast(sequence));
    }

    /// <summary>Whose turn it is; null where nobody waits.</summary>
    public Sequence? Peek() => _turns.First?.Value.First!.Value;

    /// <summary>Removes the sequence whose turn it is and gives the turn to the next adapter.</summary>
    public Sequence Dequeue()
    {
        var line = _turns.First?.Value ?? throw new InvalidOperationException("No sequence waits.");
        var sequence = line.First!.Value;
        _turns.RemoveFirst();
        _turns.AddLast(line);
        Remove(sequence.Id);
        return sequence;
    }

    /// <summary>Takes a sequence out of the middle; null where it does not wait here.</summary>
    public Sequence? Remove(long id)
    {
        if (!_sequences.Remove(id, out var node))
            return null;

        var line = node.List!;
        line.Remove(node);
        if (line.Count == 0)
        {
            _adapters.Remove(node.Value.AdapterVersion);
            _turns.Remove(line);
        }

        return node.Value;
    }
}
