using LoraServe.Api.Requests;
using LoraServe.Api.Requests.Fields;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Text.Faults;

namespace LoraServe.Api.FineTuning;

/// <summary>Reads and checks the body of a training that is wanted, as far as that is possible without its files.</summary>
internal static class FineTuningRequestReader
{
    private const int MaxSuffixLength = 64;
    private const int MaxPairs = 16;
    private const int MaxPairNameLength = 64;
    private const int MaxPairTextLength = 512;

    /// <exception cref="InvalidRequestException">With every fault.</exception>
    public static async Task<FineTuningRequest> ReadAsync(HttpRequest http, CancellationToken cancellationToken)
    {
        using var body = await RequestReader.ReadBodyAsync(http, cancellationToken);
        var faults = new RequestFaults();
        var request = new FineTuningRequest();
        RequestReader.Read(body.RootElement, request, FieldRules.None, faults);
        void Fault(string param, string message) => faults.Add(new RequestFault(param, message));

        foreach (var (name, value) in new[] { ("model", request.Model), ("training_file", request.TrainingFile) })
        {
            if (string.IsNullOrEmpty(value) && !faults.Exists(fault => fault.Param == name)) Fault(name, "is required");
        }

        if (request is { ValidationFile: not null, ValidationSplit: not null })
            Fault("validation_split", "expected either a validation_file or a validation_split, found both");
        CheckMethod(request.Method, Fault);
        if (request.Integrations is { Count: > 0 }) Fault("integrations", "is not supported: this server reports to no other service");
        CheckMetadata(request.Metadata, Fault);
        if (request.Suffix is { } suffix
            && (suffix.Length > MaxSuffixLength || suffix.Contains(':') || !AdapterName.IsValid(Name("x", suffix))))
        {
            Fault("suffix", $"expected at most {MaxSuffixLength} characters: {AdapterName.Rule}, and no number; found '{FaultText.Shorten(suffix)}'");
        }

        faults.ThrowIfAny();
        return request;
    }

    /// <summary>The name of what a training makes: ft:base:suffix.</summary>
    /// <param name="baseModel">The base's name, of which the last part of a path is taken.</param>
    /// <param name="suffix">Checked before.</param>
    public static string Name(string baseModel, string suffix)
    {
        var name = baseModel[(baseModel.LastIndexOf('/') + 1)..];
        name = new string([.. name.Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-' ? letter : '-')]);
        while (name.Contains("..", StringComparison.Ordinal)) name = name.Replace("..", ".");
        name = name.TrimStart('.', '_', '-');
        // A checkpoint's name ends with its step.
        var most = AdapterName.MaxLength - AdapterName.TrainedPrefix.Length - suffix.Length - ":".Length - CheckpointNames.MostLength;
        name = name.Length == 0 ? "base" : name[..Math.Min(name.Length, most)];
        return $"{AdapterName.TrainedPrefix}{name}:{suffix}";
    }

    private static void CheckMethod(FineTuningMethod? method, Action<string, string> fault)
    {
        if (method is null) return;
        if (method.Type != "supervised" || method.Dpo is not null || method.Reinforcement is not null)
            fault("method.type", $"expected supervised, the only method that this server has, found '{FaultText.Shorten(method.Type)}'");
        if (method.Supervised?.Hyperparameters is not { } hyperparameters) return;
        const string path = "method.supervised.hyperparameters";
        var lora = hyperparameters.Lora;
        if (lora?.Steps is not null && hyperparameters.NEpochs is not null)
            fault($"{path}.lora.steps", "expected either steps or n_epochs, found both");
        foreach (var (name, rank) in lora?.RankPattern ?? new Dictionary<string, int>())
        {
            if (rank < 1) fault($"{path}.lora.rank_pattern", $"expected ranks of at least 1, found {rank} for '{FaultText.Shorten(name)}'");
        }

        foreach (var (name, alpha) in lora?.AlphaPattern ?? new Dictionary<string, double>())
        {
            if (!(alpha > 0 && double.IsFinite(alpha)))
                fault($"{path}.lora.alpha_pattern", $"expected alphas above 0, found {alpha} for '{FaultText.Shorten(name)}'");
        }
    }

    private static void CheckMetadata(IReadOnlyDictionary<string, string>? metadata, Action<string, string> fault)
    {
        if (metadata is null) return;
        if (metadata.Count > MaxPairs) fault("metadata", $"expected at most {MaxPairs} names, found {metadata.Count}");
        if (metadata.Keys.Any(name => name.Length is 0 or > MaxPairNameLength))
            fault("metadata", $"expected names of 1 to {MaxPairNameLength} characters");
        if (metadata.Values.Any(text => text is null || text.Length > MaxPairTextLength))
            fault("metadata", $"expected texts of at most {MaxPairTextLength} characters");
    }
}

/// <summary>Names of checkpoints: ft:base:suffix:ckpt-step-100.</summary>
internal static class CheckpointNames
{
    private const string Prefix = ":ckpt-step-";

    /// <summary>Most characters that are added to the adapter's name.</summary>
    public static int MostLength { get; } = Prefix.Length + $"{int.MaxValue}".Length;

    public static string Of(string adapter, int step) => $"{adapter}{Prefix}{step}";
}
