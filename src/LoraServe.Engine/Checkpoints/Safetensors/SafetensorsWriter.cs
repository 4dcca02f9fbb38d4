using System.Buffers.Binary;
using System.Text.Json;
using static TorchSharp.torch;

namespace LoraServe.Engine.Checkpoints.Safetensors;

/// <summary>
/// Writes safetensors files in the order of the reference library: wide dtypes first, then by name, header padded to 8 bytes.
/// </summary>
internal static class SafetensorsWriter
{
    private const int CopyChunk = 1 << 30;

    /// <summary>
    /// Writes a file durably and atomically: a temporary file in the same folder is renamed when it is complete.
    /// </summary>
    /// <param name="path">The target file, replaced if it exists.</param>
    /// <param name="tensors">F32, F16 or BF16, on any device, of any layout.</param>
    /// <param name="metadata">Stored under "__metadata__".</param>
    public static void Write(string path, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        var ordered = tensors.Select(pair => (Name: pair.Key, Tensor: pair.Value, Dtype: Dtype(pair.Value)))
            .OrderByDescending(item => item.Dtype.Bits()).ThenBy(item => item.Dtype).ThenBy(item => item.Name, StringComparer.Ordinal)
            .ToList();
        var temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                WriteHeader(file, ordered, metadata);
                foreach (var (_, tensor, _) in ordered) WriteData(file, tensor);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static void WriteHeader(
        FileStream file, List<(string Name, Tensor Tensor, SafetensorsDtype Dtype)> ordered, IReadOnlyDictionary<string, string> metadata)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WritePropertyName("__metadata__");
            JsonSerializer.Serialize(json, metadata);
            var offset = 0L;
            foreach (var (name, tensor, dtype) in ordered)
            {
                var end = offset + (tensor.numel() * dtype.Bits() / 8);
                json.WritePropertyName(name);
                JsonSerializer.Serialize(json, new { dtype = dtype.ToString(), tensor.shape, data_offsets = (long[])[offset, end] });
                offset = end;
            }

            json.WriteEndObject();
        }

        while (buffer.Length % 8 != 0) buffer.WriteByte((byte)' ');
        Span<byte> length = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)buffer.Length);
        file.Write(length);
        file.Write(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }

    private static void WriteData(FileStream file, Tensor tensor)
    {
        using var local = tensor.cpu();
        using var flat = local.reshape(-1);
        var piece = CopyChunk / tensor.element_size();
        for (var start = 0L; start < flat.numel(); start += piece)
        {
            using var chunk = flat.narrow(0, start, Math.Min(piece, flat.numel() - start));
            file.Write(chunk.bytes);
        }
    }

    private static SafetensorsDtype Dtype(Tensor tensor) => tensor.dtype switch
    {
        ScalarType.Float32 => SafetensorsDtype.F32,
        ScalarType.Float16 => SafetensorsDtype.F16,
        ScalarType.BFloat16 => SafetensorsDtype.BF16,
        var other => throw new ArgumentException($"expected a floating point tensor of 16 or 32 bits, found {other}", nameof(tensor)),
    };
}
