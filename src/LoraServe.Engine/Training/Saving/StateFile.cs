using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Training.Optimization;
using static TorchSharp.torch;

namespace LoraServe.Engine.Training.Saving;

/// <summary>
/// One state as a safetensors file. Identity and progress are texts of its header, and so is a SHA-256 over these two and every tensor's
/// name, shape and bytes: a corrupted file is never taken for a state.
/// </summary>
internal static class StateFile
{
    private const string IdentityKey = "training";
    private const string ProgressKey = "progress";
    private const string ChecksumKey = "sha256";

    /// <summary>Writes the file atomically.</summary>
    /// <param name="path">Replaced if it exists.</param>
    /// <param name="identity">Of the training.</param>
    /// <param name="progress">How far it is.</param>
    /// <param name="tensors">By name, contiguous float32.</param>
    public static void Write(string path, TrainingIdentity identity, TrainingProgress progress, IReadOnlyDictionary<string, Tensor> tensors)
    {
        var metadata = new Dictionary<string, string>
        {
            [IdentityKey] = JsonSerializer.Serialize(identity),
            [ProgressKey] = JsonSerializer.Serialize(progress),
        };
        using var hash = Hash(metadata);
        foreach (var (name, tensor) in tensors.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            AppendName(hash, name, tensor.shape);
            using var pieces = new FloatPieces(tensor);
            for (var i = 0; i < pieces.Count; i++) hash.AppendData(MemoryMarshal.AsBytes(pieces[i]));
        }

        metadata[ChecksumKey] = Convert.ToHexStringLower(hash.GetHashAndReset());
        SafetensorsWriter.Write(path, tensors, metadata);
    }

    /// <summary>Reads a file into tensors, which are written only after all of it is checked.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">By name, contiguous float32: exactly those of the file.</param>
    /// <exception cref="InvalidStateException">It is damaged.</exception>
    /// <exception cref="InvalidSafetensorsException">Likewise.</exception>
    /// <exception cref="JsonException">Likewise.</exception>
    public static TrainingProgress Read(string path, IReadOnlyDictionary<string, Tensor> tensors)
    {
        using var file = SafetensorsFile.Open(path);
        foreach (var (name, tensor) in tensors)
        {
            var expected = $"F32 [{string.Join(", ", tensor.shape)}]";
            if (!file.Entries.TryGetValue(name, out var entry)) throw new InvalidStateException($"the tensor {name} is missing");
            if (entry.Description != expected)
                throw new InvalidStateException($"the tensor {name}: expected {expected}, found {entry.Description}");
        }

        if (file.Entries.Count != tensors.Count)
            throw new InvalidStateException($"expected {tensors.Count} tensors, found {file.Entries.Count}");
        CheckSum(file);
        var progress = JsonSerializer.Deserialize<TrainingProgress>(file.Metadata[ProgressKey])!;
        foreach (var (name, tensor) in tensors) Copy(file, file.Entries[name], tensor);
        return progress;
    }

    /// <summary>The training a file belongs to; null if it is unreadable, or of another training and damaged.</summary>
    /// <param name="path">The file.</param>
    /// <param name="expected">The most likely identity: a file that has it is recognised by its header alone.</param>
    public static TrainingIdentity? IdentityOf(string path, TrainingIdentity expected)
    {
        try
        {
            using var file = SafetensorsFile.Open(path);
            if (!file.Metadata.TryGetValue(IdentityKey, out var text)) return null;
            var identity = JsonSerializer.Deserialize<TrainingIdentity>(text)!;
            if (identity.Differences(expected).Count > 0) CheckSum(file);
            return identity;
        }
        catch (Exception e) when (e is InvalidSafetensorsException or InvalidStateException or JsonException or IOException)
        {
            return null;
        }
    }

    private static void CheckSum(SafetensorsFile file)
    {
        var (found, expected) = (Checksum(file), file.Metadata.GetValueOrDefault(ChecksumKey));
        if (found != expected) throw new InvalidStateException($"expected the checksum {expected}, found {found}");
    }

    private static string Checksum(SafetensorsFile file)
    {
        using var hash = Hash(file.Metadata);
        foreach (var entry in file.Entries.Values.OrderBy(entry => entry.Name, StringComparer.Ordinal))
        {
            AppendName(hash, entry.Name, entry.Shape);
            for (var start = 0L; start < entry.Length;)
            {
                var bytes = file.Bytes(entry, start, FloatPieces.Bytes);
                hash.AppendData(bytes);
                start += bytes.Length;
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Copy(SafetensorsFile file, SafetensorsEntry entry, Tensor tensor)
    {
        using var pieces = new FloatPieces(tensor);
        for (var i = 0; i < pieces.Count; i++)
            MemoryMarshal.Cast<byte, float>(file.Bytes(entry, (long)i * FloatPieces.Bytes, FloatPieces.Bytes)).CopyTo(pieces[i]);
        pieces.Store();
    }

    private static IncrementalHash Hash(IReadOnlyDictionary<string, string> metadata)
    {
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(
            $"{metadata.GetValueOrDefault(IdentityKey)}\n{metadata.GetValueOrDefault(ProgressKey)}\n"));
        return hash;
    }

    private static void AppendName(IncrementalHash hash, string name, IReadOnlyList<long> shape) =>
        hash.AppendData(Encoding.UTF8.GetBytes($"{name} {string.Join('x', shape)}\n"));
}
