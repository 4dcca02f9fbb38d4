using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using LoraServe.Engine.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace LoraServe.Engine.Lora;

/// <summary>A PEFT folder on disk that has been found to fit a base model. Holds its tensor file open.</summary>
internal sealed class PeftAdapter : IDisposable
{
    public const string TensorFileName = "adapter_model.safetensors";

    private const int MaxConfigBytes = 4 << 20;
    private const int MaxHeaderBytes = 16 << 20;
    private const int HashChunk = 1 << 26;

    private static readonly string[] Pickles = [".bin", ".pt", ".pth", ".ckpt", ".pkl"];

    private readonly SafetensorsFile _file;

    private PeftAdapter(SafetensorsFile file, PeftConfig config, IReadOnlyList<PeftModule> modules, PeftTensors tensors, PeftFaults faults)
    {
        (_file, Config, Modules) = (file, config, modules);
        BaseCopies = tensors.BaseCopies;
        Warnings = faults.Warnings;
        Version = Hash();
    }

    public PeftConfig Config { get; }

    /// <summary>The adapted modules in the order of the forward pass.</summary>
    public IReadOnlyList<PeftModule> Modules { get; }

    /// <summary>
    /// Copies of the base's own weights in the file, by module. They must be the base's: the adapter was trained on them.
    /// </summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> BaseCopies { get; }

    /// <summary>Oddities that do not keep it from being served.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>
    /// SHA-256, lower-case hexadecimal, of what decides the output: for each module, by path, its alpha, kind of scaling, and the dtype,
    /// shape and bytes of A and B. Names in the file, file names and options of training play no part.
    /// </summary>
    public string Version { get; }

    /// <summary>Opens a folder with adapter_config.json and adapter_model.safetensors and checks all of it against the base.</summary>
    /// <param name="folder">May hold other files, which are ignored.</param>
    /// <param name="modules">The base.</param>
    /// <param name="maxRank">The highest rank that is served.</param>
    /// <exception cref="InvalidPeftException">With every fault.</exception>
    public static PeftAdapter Open(string folder, ModelModules modules, int maxRank)
    {
        var faults = new PeftFaults();
        var config = ReadConfig(folder, faults);
        var file = OpenTensors(folder, faults);
        try
        {
            var tensors = file is null ? null : new PeftTensors(file, modules, faults);
            var matched = config is null ? [] : Match(config, modules, maxRank, tensors, faults);
            faults.ThrowIfAny();
            return new PeftAdapter(file!, config!, matched, tensors!, faults);
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }

    /// <summary>Reads the tensors into memory, B multiplied by its scaling in float32 before it is rounded to the compute dtype.</summary>
    public LoraAdapter Load(ScalarType dtype, Device device)
    {
        using var normalMode = inference_mode(false);
        using var noGradient = no_grad();
        var loaded = new Dictionary<string, LinearUpdate>(StringComparer.Ordinal);
        foreach (var module in Modules)
        {
            using var a = _file.Read(module.A.Name);
            using var stored = _file.Read(module.B.Name);
            using var b = stored.to(ScalarType.Float32);
            using var scaling = ((float)module.Scaling).ToScalar();
            b.mul_(scaling);
            loaded.Add(module.Linear.Path, new LoraWeights(Own(a, dtype, device), Own(b, dtype, device)));
        }

        return new LoraAdapter(Version, loaded);
    }

    /// <summary>One of <see cref="BaseCopies"/> in its stored dtype; the caller owns it.</summary>
    public Tensor ReadBaseCopy(SafetensorsEntry copy) => _file.Read(copy.Name);

    /// <summary>Closes the tensor file.</summary>
    public void Dispose() => _file.Dispose();

    private static Tensor Own(Tensor tensor, ScalarType dtype, Device device) => tensor.to(dtype, device).DetachFromDisposeScope();

    private static PeftConfig? ReadConfig(string folder, PeftFaults faults)
    {
        var file = new FileInfo(Path.Combine(folder, PeftConfig.FileName));
        if (!file.Exists) faults.Malformed($"{PeftConfig.FileName} is missing");
        else if (file.Length > MaxConfigBytes)
            faults.Malformed($"{PeftConfig.FileName}: expected at most {MaxConfigBytes} bytes, found {file.Length}");
        else return PeftConfigReader.Read(File.ReadAllBytes(file.FullName), faults);
        return null;
    }

    private static SafetensorsFile? OpenTensors(string folder, PeftFaults faults)
    {
        var path = Path.Combine(folder, TensorFileName);
        if (!File.Exists(path))
        {
            ReportMissing(folder, faults);
            return null;
        }

        try
        {
            return SafetensorsFile.Open(path, MaxHeaderBytes);
        }
        catch (InvalidSafetensorsException e)
        {
            faults.Malformed(e.Message);
            return null;
        }
    }

    private static void ReportMissing(string folder, PeftFaults faults)
    {
        var others = Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal).ToList();
        if (others.Find(name => Pickles.Contains(Path.GetExtension(name).ToLowerInvariant())) is { } pickle)
            faults.Incompatible($"{pickle} is a pickle, which can run code and is never opened: save the adapter as {TensorFileName}");
        else if (others.Find(name => name.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)) is { } gguf)
            faults.Incompatible($"{gguf} is a GGUF adapter: convert it to PEFT's {TensorFileName}");
        else if (others.Contains("adapters.safetensors"))
            faults.Incompatible($"adapters.safetensors is MLX's layout: convert it to PEFT's {TensorFileName}");
        else
            faults.Malformed($"{TensorFileName} is missing");
    }

    private static IReadOnlyList<PeftModule> Match(
        PeftConfig config, ModelModules modules, int maxRank, PeftTensors? tensors, PeftFaults faults)
    {
        try
        {
            var targets = config.Targets.Select(modules, faults);
            var highest = targets.Select(target => config.RankOf(target.Path)).DefaultIfEmpty(config.Rank).Max();
            if (highest > maxRank) faults.Incompatible($"{PeftConfig.FileName}: rank {highest} is above this server's limit of {maxRank}");
            return tensors?.Match(targets, config) ?? [];
        }
        catch (RegexMatchTimeoutException)
        {
            faults.Incompatible($"{PeftConfig.FileName}: a regular expression takes too long to match");
            return [];
        }
    }

    private string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var module in Modules.OrderBy(module => module.Linear.Path, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(
                $"{module.Linear.Path} alpha {module.Alpha:R} rslora {Config.UsesRsLora} "
                + $"A {module.A.Description} B {module.B.Description}\n"));
            Append(hash, module.A);
            Append(hash, module.B);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private void Append(IncrementalHash hash, SafetensorsEntry entry)
    {
        for (var start = 0L; start < entry.Length; start += HashChunk) hash.AppendData(_file.Bytes(entry, start, HashChunk));
    }
}
