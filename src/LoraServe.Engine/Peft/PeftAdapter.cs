using System.Text.RegularExpressions;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Lora;
using LoraServe.Text.Files;
using static TorchSharp.torch;

namespace LoraServe.Engine.Peft;

/// <summary>A PEFT folder on disk, checked against a base model. Holds its tensor file open.</summary>
internal sealed class PeftAdapter : IDisposable
{
    public const string TensorFileName = "adapter_model.safetensors";

    private const int MaxConfigBytes = 4 << 20;
    private const int MaxHeaderBytes = 16 << 20;

    private static readonly string[] Pickles = [".bin", ".pt", ".pth", ".ckpt", ".pkl"];

    private readonly SafetensorsFile _file;
    private readonly ModelModules _modules;

    private PeftAdapter(string folder, SafetensorsFile file, PeftConfig config, PeftContent content, ModelModules modules)
    {
        (Folder, _file, _modules) = (folder, file, modules);
        (Config, Content) = (config, content);
    }

    /// <summary>The folder of its two files.</summary>
    public string Folder { get; }

    public PeftConfig Config { get; }

    /// <summary>The trained tensors.</summary>
    public PeftContent Content { get; }

    /// <summary>The low-rank updates in the order of the forward pass.</summary>
    public IReadOnlyList<PeftModule> Modules => Content.Modules;

    /// <summary>All tensors of the file.</summary>
    public IEnumerable<SafetensorsEntry> Entries => _file.Entries.Values;

    /// <summary>
    /// Whether some low-rank update is not zero. If none is, only a comparison with the base shows whether other tensors change anything.
    /// </summary>
    public required bool HasLowRankEffect { get; init; }

    /// <summary>Warnings that do not prevent serving.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>See <see cref="PeftDigest.Of"/>.</summary>
    public required AdapterVersionId Version { get; init; }

    /// <summary>Opens a folder with adapter_config.json and adapter_model.safetensors and checks all of it against the base.</summary>
    /// <param name="folder">May hold other files, which are ignored.</param>
    /// <param name="modules">The base.</param>
    /// <param name="maxRank">The highest rank that is served.</param>
    /// <param name="allowNoEffect">Whether every update may be zero.</param>
    /// <param name="inMemory">Whether the tensors are read into memory at once, so that the file may change afterwards, or mapped.</param>
    /// <param name="companion">Further content that belongs to the adapter and its identity, or null.</param>
    /// <exception cref="InvalidPeftException">Lists every fault.</exception>
    public static PeftAdapter Open(
        string folder, ModelModules modules, int maxRank, bool allowNoEffect = false, bool inMemory = false, string? companion = null)
    {
        var faults = new PeftFaults();
        var config = ReadConfig(folder, faults);
        var file = OpenTensors(folder, inMemory, faults);
        try
        {
            var tensors = file is null ? null : new PeftTensors(file, modules, faults);
            var content = config is null ? null : Match(config, modules, maxRank, tensors, faults);
            faults.ThrowIfAny();
            var digest = PeftDigest.Of(file!, config!, content!, companion);
            var hasLowRankEffect = PeftValues.Check(file!.FileName, digest.Largest, content!, faults);
            if (!hasLowRankEffect && !allowNoEffect && content!.IsLowRankOnly)
                faults.Incompatible($"{TensorFileName}: every update is zero: the adapter would act as the bare base model");
            faults.ThrowIfAny();
            return new PeftAdapter(folder, file!, config!, content!, modules)
            {
                Version = digest.Version,
                HasLowRankEffect = hasLowRankEffect,
                Warnings = faults.Warnings,
            };
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Reads the tensors into memory in the forms used for serving; computed in float32 and rounded once to the compute dtype.
    /// </summary>
    /// <param name="dtype">The compute dtype.</param>
    /// <param name="device">The device of the base.</param>
    /// <param name="baseTensor">The base's own tensors by their names, in any float dtype; they are only read.</param>
    public LoraAdapter Load(ScalarType dtype, Device device, Func<string, Tensor> baseTensor) =>
        new PeftLoader(_file, Content, _modules, baseTensor, dtype, device).Load(Version, Config.InvocationTokens);

    /// <summary>One of <see cref="Entries"/> in its stored dtype; the caller owns it.</summary>
    public Tensor Read(SafetensorsEntry entry) => _file.Read(entry.Name);

    /// <summary>Some rows of one of <see cref="Entries"/>, which has at least one dimension, in its stored dtype; the caller owns them.</summary>
    public Tensor Read(SafetensorsEntry entry, long start, long rows) => _file.Read(entry.Name, start, rows);

    /// <summary>Closes the tensor file.</summary>
    public void Dispose() => _file.Dispose();

    private static PeftConfig? ReadConfig(string folder, PeftFaults faults)
    {
        var file = new FileInfo(Path.Combine(folder, PeftConfig.FileName));
        if (!file.Exists) faults.Malformed($"{PeftConfig.FileName} is missing");
        else if (file.Length > MaxConfigBytes)
            faults.Malformed($"{PeftConfig.FileName}: expected at most {MaxConfigBytes} bytes, found {file.Length}");
        else if (RegularFile.IsOther(file.FullName))
            faults.Malformed(RegularFile.Fault(PeftConfig.FileName));
        else return PeftConfigReader.Read(File.ReadAllBytes(file.FullName), faults);
        return null;
    }

    private static SafetensorsFile? OpenTensors(string folder, bool inMemory, PeftFaults faults)
    {
        var path = Path.Combine(folder, TensorFileName);
        if (!File.Exists(path))
        {
            ReportMissing(folder, faults);
            return null;
        }

        if (RegularFile.IsOther(path))
        {
            faults.Malformed(RegularFile.Fault(TensorFileName));
            return null;
        }

        try
        {
            return inMemory ? SafetensorsFile.OpenInMemory(path, MaxHeaderBytes) : SafetensorsFile.Open(path, MaxHeaderBytes);
        }
        catch (InvalidSafetensorsException e)
        {
            foreach (var fault in e.Faults) faults.Malformed($"{TensorFileName}: {fault}");
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

    private static PeftContent? Match(
        PeftConfig config, ModelModules modules, int maxRank, PeftTensors? tensors, PeftFaults faults)
    {
        try
        {
            var targets = config.Targets.Select(modules, faults);
            var highest = targets.Select(target => config.RankOf(target.Path)).DefaultIfEmpty(config.Rank).Max();
            if (highest > maxRank) faults.Incompatible($"{PeftConfig.FileName}: rank {highest} is above this server's limit of {maxRank}");
            return tensors is null ? null : new PeftMatcher(config, modules, tensors, faults).Match(targets);
        }
        catch (RegexMatchTimeoutException)
        {
            faults.Incompatible($"{PeftConfig.FileName}: a regular expression takes too long to match");
            return null;
        }
    }
}
