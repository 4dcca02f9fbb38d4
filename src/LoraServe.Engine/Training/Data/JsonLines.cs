using System.Security.Cryptography;
using LoraServe.Text.Files;

namespace LoraServe.Engine.Training.Data;

/// <summary>Reads a JSONL file line by line in bounded memory, and computes its hash. Lines end with LF or CR LF.</summary>
internal sealed class JsonLines : IDisposable
{
    /// <summary>Maximum bytes of a line: more than an example of any served context needs.</summary>
    public const int MostLineBytes = 8 << 20;

    /// <summary>Maximum bytes of a file.</summary>
    public const long MostFileBytes = 512L << 20;

    private const int ChunkBytes = 1 << 16;

    private readonly FileStream _file;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private byte[] _buffer = new byte[2 * ChunkBytes];

    /// <exception cref="IOException">The file cannot be opened.</exception>
    public JsonLines(string path)
    {
        if (RegularFile.IsOther(path)) throw new IOException($"{path} is a pipe or a device: write what it gives to a file, and name that");
        try
        {
            _file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
        }
        catch (UnauthorizedAccessException e)
        {
            // Also for a folder.
            throw new IOException($"{path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>SHA-256 of the file in lower-case hexadecimal, once all lines were read.</summary>
    public string Hash { get; private set; } = "";

    /// <summary>Whether the file exceeds <see cref="MostFileBytes"/>; the rest is not read.</summary>
    public bool IsTooLarge { get; private set; }

    /// <summary>All lines, once.</summary>
    /// <param name="cancellationToken">Checked before each piece of the file.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public IEnumerable<JsonLine> Read(CancellationToken cancellationToken)
    {
        if (IsTooLarge = _file.Length > MostFileBytes) yield break;
        var (start, end, number, skips) = (0, 0, 1, false);
        for (var total = 0L; ;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            MakeRoom(ref start, ref end);
            var read = _file.Read(_buffer, end, ChunkBytes);
            _hash.AppendData(_buffer, end, read);
            total += read;
            if (IsTooLarge = total > MostFileBytes) yield break;
            var from = end;
            end += read;
            for (int newline; (newline = Array.IndexOf(_buffer, (byte)'\n', from, end - from)) >= 0; from = start)
            {
                yield return Line(number++, start, newline, skips);
                (start, skips) = (newline + 1, false);
            }

            if (read == 0)
            {
                if (end > start || skips) yield return Line(number, start, end, skips);
                Hash = Convert.ToHexStringLower(_hash.GetHashAndReset());
                yield break;
            }

            if (end - start <= MostLineBytes) continue;
            (skips, start) = (true, end);
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        _file.Dispose();
        _hash.Dispose();
    }

    // Moves unreturned bytes to the start if the next chunk does not fit after them.
    private void MakeRoom(ref int start, ref int end)
    {
        if (end + ChunkBytes <= _buffer.Length) return;
        var rest = end - start;
        var target = rest + ChunkBytes <= _buffer.Length ? _buffer : new byte[2 * (rest + ChunkBytes)];
        Buffer.BlockCopy(_buffer, start, target, 0, rest);
        (_buffer, start, end) = (target, 0, rest);
    }

    private JsonLine Line(int number, int start, int end, bool skips)
    {
        if (end > start && _buffer[end - 1] == '\r') end--;
        var bytes = _buffer.AsMemory(start, end - start);
        if (number == 1 && bytes.Span.StartsWith("\uFEFF"u8)) bytes = bytes[3..];
        return skips || bytes.Length > MostLineBytes ? new JsonLine(number, default, true) : new JsonLine(number, bytes, false);
    }
}
