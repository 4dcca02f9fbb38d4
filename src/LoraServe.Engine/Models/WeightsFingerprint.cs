using System.Security.Cryptography;
using System.Text;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>SHA-256 over names, shapes, dtype and bytes of weights as they lie in memory, piece by piece.</summary>
/// <param name="tensors">By name, in the order of the names.</param>
internal sealed class WeightsFingerprint(IEnumerable<KeyValuePair<string, Tensor>> tensors) : IDisposable
{
    // Some milliseconds of work.
    private const long PieceBytes = 1L << 23;

    private readonly Queue<KeyValuePair<string, Tensor>> _left = new(tensors);
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _row;

    /// <summary>Lower-case hexadecimal; there once <see cref="Advance"/> returned false.</summary>
    public string Value { get; private set; } = "";

    /// <summary>Takes the next piece; false when there is none left.</summary>
    public bool Advance()
    {
        for (var bytes = 0L; bytes < PieceBytes;)
        {
            if (!_left.TryPeek(out var next))
            {
                if (Value.Length == 0) Value = Convert.ToHexStringLower(_hash.GetHashAndReset());
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
        if (_row == 0) _hash.AppendData(Encoding.UTF8.GetBytes($"{name} {tensor.dtype} {string.Join('x', tensor.shape)}\n"));
        var rowBytes = Math.Max(tensor.numel() / tensor.size(0) * tensor.element_size(), 1);
        var rows = Math.Min(Math.Max(1, PieceBytes / rowBytes), tensor.size(0) - _row);
        using var piece = tensor.narrow(0, _row, rows);
        using var local = piece.cpu();
        _hash.AppendData(local.bytes);
        _row += rows;
        if (_row == tensor.size(0))
        {
            _left.Dequeue();
            _row = 0;
        }

        return rows * rowBytes;
    }
}
