using System.Security.Cryptography;
using System.Text;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>
/// SHA-256 over names, shapes, dtypes and bytes of weights, given in the order of their names. Of tensors as a checkpoint stores them it tells
/// which base they are, of tensors as they are computed with whether they are still what was loaded.
/// </summary>
internal sealed class WeightsHash : IDisposable
{
    /// <summary>About as many bytes as some milliseconds of work are.</summary>
    public const long PieceBytes = 1L << 23;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Takes a whole tensor.</summary>
    public void Append(string name, Tensor tensor)
    {
        Begin(name, tensor);
        for (var row = 0L; row < tensor.size(0);) row += AppendRows(tensor, row);
    }

    /// <summary>Takes what is known of a tensor without its bytes.</summary>
    public void Begin(string name, Tensor tensor) =>
        _hash.AppendData(Encoding.UTF8.GetBytes($"{name} {tensor.dtype} {string.Join('x', tensor.shape)}\n"));

    /// <summary>Takes about <see cref="PieceBytes"/> of a tensor's bytes from a row on.</summary>
    /// <returns>How many rows that was.</returns>
    public long AppendRows(Tensor tensor, long row)
    {
        var rows = Math.Min(Math.Max(1, PieceBytes / RowBytes(tensor)), tensor.size(0) - row);
        using var piece = tensor.narrow(0, row, rows);
        using var local = piece.cpu();
        _hash.AppendData(local.bytes);
        return rows;
    }

    /// <summary>Lower-case hexadecimal; the hash begins anew.</summary>
    public string Finish() => Convert.ToHexStringLower(_hash.GetHashAndReset());

    /// <summary>Bytes of one row.</summary>
    public static long RowBytes(Tensor tensor) => Math.Max(tensor.numel() / tensor.size(0) * tensor.element_size(), 1);

    public void Dispose() => _hash.Dispose();
}
