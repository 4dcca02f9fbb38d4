using System.Security.Cryptography;
using System.Text;
using LoraServe.Engine.Checkpoints;

namespace LoraServe.Engine.Lora;

/// <summary>The identity of an adapter: a hash over what decides the output.</summary>
internal static class PeftVersion
{
    private const int Chunk = 1 << 26;

    /// <summary>
    /// SHA-256, lower-case hexadecimal, over everything that was trained, by module in the order of their paths: for low-rank updates alpha
    /// and kind of scaling; for every tensor its purpose, dtype, shape and bytes; and the tokens that rows and invocation stand for. Names
    /// in the file, file names and options of training play no part.
    /// </summary>
    /// <param name="file">Holds the tensors.</param>
    /// <param name="config">Its configuration.</param>
    /// <param name="content">What was trained.</param>
    /// <param name="companion">What else the adapter consists of, or null.</param>
    public static string Of(SafetensorsFile file, PeftConfig config, PeftContent content, string? companion)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
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
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Line(string text) => hash.AppendData(Encoding.UTF8.GetBytes($"{text}\n"));

        void Tensor(string purpose, SafetensorsEntry? entry)
        {
            if (entry is null) return;
            Line($"{purpose} {entry.Description}");
            Bytes(entry);
        }

        void Bytes(SafetensorsEntry entry)
        {
            for (var start = 0L; start < entry.Length; start += Chunk) hash.AppendData(file.Bytes(entry, start, Chunk));
        }
    }
}
