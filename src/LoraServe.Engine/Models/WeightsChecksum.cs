using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>The <see cref="WeightsHash"/> of weights in memory, computed piece by piece.</summary>
/// <param name="tensors">By name, in the order of the names.</param>
internal sealed class WeightsChecksum(IEnumerable<KeyValuePair<string, Tensor>> tensors) : ISlicedWork
{
    private readonly Queue<KeyValuePair<string, Tensor>> _left = new(tensors);
    private readonly WeightsHash _hash = new();
    private long _row;

    /// <summary>Lower-case hexadecimal; available once <see cref="Advance"/> has returned false.</summary>
    public string Value { get; private set; } = "";

    /// <summary>Hashes the next piece; false when none is left.</summary>
    public bool Advance()
    {
        for (var bytes = 0L; bytes < WeightsHash.PieceBytes;)
        {
            if (!_left.TryPeek(out var next))
            {
                if (Value.Length == 0) Value = _hash.Finish();
                return false;
            }

            bytes += Append(next.Key, next.Value);
        }

        return true;
    }

    /// <summary>Frees the hash, not the weights.</summary>
    public void Dispose() => _hash.Dispose();

    private long Append(string name, Tensor tensor)
    {
        if (_row == 0) _hash.Begin(name, tensor);
        var rows = _hash.AppendRows(tensor, _row);
        _row += rows;
        if (_row == tensor.size(0))
        {
            _left.Dequeue();
            _row = 0;
        }

        return rows * WeightsHash.RowBytes(tensor);
    }
}
