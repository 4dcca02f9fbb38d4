using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Peft;
using static TorchSharp.torch;

namespace LoraServe.Engine.Adapters.Intake;

/// <summary>An adapter after each of its updates was replaced by the best approximation of a lower rank.</summary>
/// <param name="Rank">The highest rank that it has now.</param>
/// <param name="EnergyKept">The share of the sum of ||s B A||_F^2 over all modules that is left, 0 to 1.</param>
/// <param name="Modules">In the order of the forward pass.</param>
public sealed record AdapterTruncation(int Rank, double EnergyKept, IReadOnlyList<TruncatedModule> Modules)
{
    // As PEFT writes it.
    private static readonly Dictionary<string, string> Metadata = new(StringComparer.Ordinal) { ["format"] = "pt" };

    /// <summary>
    /// Writes a PEFT folder whose updates have at most this rank, the approximated ones in float32. The scaling of a module stays what it
    /// is: alpha follows its rank. Modules of that rank or less are copied, and so are all tensors that are no low-rank update. DoRA's
    /// magnitudes are among them: the rows of the adapted weight keep their norms, and only their directions are approximated.
    /// </summary>
    /// <param name="source">Stays open.</param>
    /// <param name="rank">At least 1 and below the highest rank of the adapter.</param>
    /// <param name="folder">Exists; its two PEFT files are replaced.</param>
    /// <exception cref="InvalidAdapterPatchException">The rank is out of range; the message says what it may be.</exception>
    internal static AdapterTruncation Write(PeftAdapter source, int rank, string folder)
    {
        CheckRank(source, rank);
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (var entry in source.Entries) Put(entry.Name, source.Read(entry));
        var ranks = new Dictionary<string, (int Rank, double Alpha)>(StringComparer.Ordinal);
        var modules = new List<TruncatedModule>();
        foreach (var module in source.Modules)
        {
            tensors.Remove(module.A.Name, out var a);
            tensors.Remove(module.B.Name, out var b);
            var svd = LowRankSvd.Of(a!, b!);
            var left = module.Rank <= rank ? module.Rank : Math.Min(rank, svd.Values.Count);
            if (left < module.Rank) (a, b) = svd.Approximation(left);
            Put(PeftTensorName.Parse(module.A.Name).Format(), a!);
            Put(PeftTensorName.Parse(module.B.Name).Format(), b!);

            var spectrum = svd.Spectrum(module.Scaling);
            ranks.Add(module.Linear.Path, (left, AlphaOf(module, left, source.Config.UsesRsLora)));
            modules.Add(new TruncatedModule(module.Linear.Path, left, spectrum.Energy, Share(spectrum.EnergyOf(left), spectrum.Energy)));
        }

        var config = File.ReadAllBytes(Path.Combine(source.Folder, PeftConfig.FileName));
        File.WriteAllBytes(Path.Combine(folder, PeftConfig.FileName), new PeftRanks(ranks).ApplyTo(config));
        SafetensorsWriter.Write(Path.Combine(folder, PeftAdapter.TensorFileName), tensors, Metadata);
        var kept = modules.Sum(module => module.Energy * module.EnergyKept);
        return new AdapterTruncation(modules.Max(module => module.Rank), Share(kept, modules.Sum(module => module.Energy)), modules);

        void Put(string name, Tensor tensor)
        {
            scope.Attach(tensor);
            tensors.Add(name, tensor);
        }
    }

    private static void CheckRank(PeftAdapter source, int rank)
    {
        var highest = source.Modules.Max(module => module.Rank);
        if (rank >= 1 && rank < highest) return;
        throw new InvalidAdapterPatchException(
        [
            highest == 1
                ? "rank: the adapter has rank 1 already and cannot be truncated"
                : $"rank: expected 1 to {highest - 1}, below the adapter's own {highest}, found {rank}",
        ]);
    }

    // The alpha that keeps the scaling alpha / r, or alpha / sqrt(r).
    private static double AlphaOf(PeftModule module, int rank, bool usesRsLora)
    {
        var ratio = (double)rank / module.Rank;
        return module.Alpha * (usesRsLora ? Math.Sqrt(ratio) : ratio);
    }

    private static double Share(double kept, double total) => total == 0 ? 1 : kept / total;
}
