using System.Security.Cryptography;
using System.Text;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Lora;

namespace LoraServe.Engine.Peft;

/// <summary>The results of one pass over the tensors of an adapter file.</summary>
/// <param name="Version">The adapter version: a hash over everything that affects the output.</param>
/// <param name="Largest">The largest absolute value of each trained tensor, by name; not finite if it holds a NaN or an infinity.</param>
internal sealed record PeftDigest(AdapterVersionId Version, IReadOnlyDictionary<string, float> Largest)
{
    // Bytes: few enough to stay in a processor's cache between hashing and comparing.
    private const int Chunk = 1 << 18;

    /// <summary>
    /// The version is SHA-256, lower-case hexadecimal, over everything that was trained, by module in the order of their paths: for low-rank updates alpha
    /// and kind of scaling; for every tensor its role, dtype, shape and bytes; and the token ids of trained rows and of the invocation. Names
    /// in the file, file names and training options are not included.
    /// </summary>
    /// <param name="file">Holds the tensors.</param>
    /// <param name="config">Its configuration.</param>
    /// <param name="content">The trained tensors.</param>
    /// <param name="companion">Further content that belongs to the adapter, or null.</param>
    public static PeftDigest Of(SafetensorsFile file, PeftConfig config, PeftContent content, string? companion)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var largest = new Dictionary<string, float>(StringComparer.Ordinal);
        foreach (var module in content.Modules.OrderBy(module => module.Linear.Path, StringComparer.Ordinal))
        {
            Line(
                $"{module.Linear.Path} alpha {module.Alpha:R} rslora {config.UsesRsLora} "
                + $"A {module.A.Description} B {module.B.Description}");
            Bytes(module.A);
            Bytes(module.B);
            Tensor("magnitude", module.Magnitude);
            Tensor("bias of B", module.LoraBias);
        }

        foreach (var (path, bias) in content.Biases.OrderBy(pair => pair.Key, StringComparer.Ordinal)) Tensor($"{path} bias", bias);
        foreach (var (path, saved) in content.Saved.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            Tensor($"{path} saved weight", saved.Weight);
            Tensor($"{path} saved bias", saved.Bias);
        }

        foreach (var (path, rows) in content.TokenRows.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            Tensor($"{path} rows of {string.Join(' ', rows.Ids)}", rows.Rows);
        if (config.InvocationTokens.Count > 0) Line($"invocation {string.Join(' ', config.InvocationTokens)}");
        if (companion is not null) Line($"with {companion}");
        return new PeftDigest(new AdapterVersionId(Convert.ToHexStringLower(hash.GetHashAndReset())), largest);

        void Line(string text) => hash.AppendData(Encoding.UTF8.GetBytes($"{text}\n"));

        void Tensor(string purpose, SafetensorsEntry? entry)
        {
            if (entry is null) return;
            Line($"{purpose} {entry.Description}");
            Bytes(entry);
        }

        void Bytes(SafetensorsEntry entry)
        {
            var magnitude = new TensorMagnitude(entry.Dtype);
            for (var start = 0L; start < entry.Length; start += Chunk)
            {
                var bytes = file.Bytes(entry, start, Chunk);
                hash.AppendData(bytes);
                magnitude.Append(bytes);
            }

            largest[entry.Name] = magnitude.Largest;
        }
    }
}
