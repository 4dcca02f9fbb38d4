using System.Security.Cryptography;
using System.Text;
using static TorchSharp.torch;

namespace LoraServe.Engine.Models;

/// <summary>
/// SHA-256 over names, shapes, dtypes and bytes of weights, in the order of their names. Over stored tensors it identifies the
/// base; over tensors in memory it shows whether they are unchanged since loading.
/// </summary>
internal sealed class WeightsHash : IDisposable
{
    /// <summary>Bytes of a piece: some milliseconds of work.</summary>
    public const long PieceBytes = 1L << 23;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Hashes a whole tensor.</summary>
    public void Append(string name, Tensor tensor)
    {
        Begin(name, tensor);
        for (var row = 0L; row < tensor.size(0);) row += AppendRows(tensor, row);
    }

    /// <summary>Hashes a tensor's name, shape and dtype, without its bytes.</summary>
    public void Begin(string name, Tensor tensor) =>
        _hash.AppendData(Encoding.UTF8.GetBytes($"{name} {tensor.dtype} {string.Join('x', tensor.shape)}\n"));

    /// <summary>Hashes about <see cref="PieceBytes"/> of a tensor's bytes from a row on.</summary>
    /// <returns>The number of rows hashed.</returns>
    public long AppendRows(Tensor tensor, long row)
    {
        var rows = Math.Min(Math.Max(1, PieceBytes / RowBytes(tensor)), tensor.size(0) - row);
        using var piece = tensor.narrow(0, row, rows);
        using var local = piece.cpu();
        _hash.AppendData(local.bytes);
        return rows;
    }

    /// <summary>The hash in lower-case hexadecimal; resets the state.</summary>
    public string Finish() => Convert.ToHexStringLower(_hash.GetHashAndReset());

    /// <summary>Bytes of one row.</summary>
    public static long RowBytes(Tensor tensor) => Math.Max(tensor.numel() / tensor.size(0) * tensor.element_size(), 1);

    public void Dispose() => _hash.Dispose();
}
