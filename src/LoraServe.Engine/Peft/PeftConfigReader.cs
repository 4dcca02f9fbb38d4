using System.Text.Json;
using LoraServe.Engine.Lora;
using LoraServe.Text.Faults;
using LoraServe.Text.Files;

namespace LoraServe.Engine.Peft;

/// <summary>
/// Reads an adapter_config.json as PEFT 0.21 and older write it. A wrong JSON type makes it malformed; a value out of range or an
/// option with an unsupported effect on the forward pass makes it incompatible. An unknown option is ignored if it is off.
/// </summary>
internal sealed class PeftConfigReader
{
    private const int MaxDepth = 32;

    // Each name is compared with every module of the base.
    private const int MaxSavedNames = 1000;

    private const int MaxInvocationTokens = 256;

    private readonly PeftFields _fields;
    private readonly PeftFaults _faults;

    private PeftConfigReader(JsonElement json, PeftFaults faults) => (_fields, _faults) = (new PeftFields(json, faults), faults);

    /// <summary>Reads the configuration; if there are faults, its values are undefined.</summary>
    /// <param name="bytes">The file, with or without a byte-order mark.</param>
    /// <param name="faults">Receives all faults.</param>
    public static PeftConfig? Read(ReadOnlyMemory<byte> bytes, PeftFaults faults)
    {
        if (bytes.Span.StartsWith("\uFEFF"u8)) bytes = bytes[3..];
        if (GitLfsPointer.Is(bytes.Span))
        {
            faults.Malformed($"{PeftConfig.FileName}: {GitLfsPointer.Fault}");
            return null;
        }

        JsonDocument? document = null;
        try
        {
            var options = new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false };
            document = JsonDocument.Parse(bytes, options);
            if (document.RootElement.ValueKind == JsonValueKind.Object) return new PeftConfigReader(document.RootElement, faults).Read();
            faults.Malformed($"{PeftConfig.FileName}: expected a JSON object, found {document.RootElement.ValueKind}");
        }
        // A string that is read has invalid Unicode; strings that are never read may hold anything.
        catch (InvalidOperationException) when (document is not null && UnicodeText.FirstInvalid(document.RootElement) is not null)
        {
            faults.Malformed($"{PeftConfig.FileName}: {UnicodeText.FirstInvalid(document.RootElement)}: {UnicodeText.Fault}");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            faults.Malformed($"{PeftConfig.FileName}: not JSON: {e.Message}");
        }
        finally
        {
            document?.Dispose();
        }

        return null;
    }

    private PeftConfig Read()
    {
        CheckKind();
        CheckOptions();
        if (_fields.Flag("fan_in_fan_out"))
            _faults.Warn("fan_in_fan_out: the base has linear modules, not transposed ones; ignored, as PEFT does");
        var patterns = new PeftPatternReader(_fields);
        var saved = Saved();
        var config = new PeftConfig
        {
            Rank = _fields.Find("r") is { } r ? _fields.Rank("r", r) : 8,
            Alpha = _fields.Find("lora_alpha") is { } alpha ? _fields.Number("lora_alpha", alpha) : 8,
            UsesRsLora = _fields.Flag("use_rslora"),
            UsesDora = _fields.Flag("use_dora"),
            HasLoraBias = _fields.Flag("lora_bias"),
            TrainedBiases = Biases(),
            RankPattern = patterns.ReadAll("rank_pattern", _fields.Rank),
            AlphaPattern = patterns.ReadAll("alpha_pattern", _fields.Number),
            Targets = new TargetModulesReader(_fields, patterns).Read(saved),
            Saved = saved,
            TrainableTokens = Tokens(),
            InvocationTokens = InvocationTokens(),
            TiesWeights = _fields.Flag("ensure_weight_tying"),
            BaseModelName = _fields.Text("base_model_name_or_path"),
        };
        CheckTogether(config);
        return config;
    }

    private void CheckKind()
    {
        if (_fields.Text("peft_type") is var type && !string.Equals(type, "LORA", StringComparison.OrdinalIgnoreCase))
            _fields.Incompatible("peft_type", $"expected LORA, found {FaultText.Shorten(type ?? "nothing")}");
        if (_fields.Text("task_type") is { } task && task != "CAUSAL_LM")
            _faults.Warn($"{PeftConfig.FileName}: task_type: made for {FaultText.Shorten(task)}, served for CAUSAL_LM");
        if (_fields.Find("init_lora_weights") is { } init) CheckInit(init);
    }

    private void CheckInit(JsonElement init)
    {
        if (init.ValueKind is JsonValueKind.True or JsonValueKind.False) return;
        if (init.ValueKind != JsonValueKind.String)
            _fields.Malformed("init_lora_weights", "true, false or text", init);
        else if (!PeftOptions.HarmlessInits.Contains(init.GetString()!.ToLowerInvariant()))
        {
            _fields.Incompatible(
                "init_lora_weights",
                $"'{FaultText.Shorten(init.GetString()!)}' trains on altered base weights, so that it is wrong on the plain base; "
                + "convert it when saving: save_pretrained(path, path_initial_model_for_weight_conversion=...) makes plain LoRA of it");
        }
    }

    private void CheckOptions()
    {
        foreach (var name in _fields.On.Where(name => !PeftOptions.Known.Contains(name)))
        {
            _fields.Incompatible(FaultText.Shorten(name), PeftOptions.Unsupported.TryGetValue(name, out var meaning)
                ? $"{meaning} is not supported: merge the adapter with PEFT's merge_and_unload and serve the result as a base"
                : "an unknown option that may change the forward pass");
        }
    }

    // Combinations that PEFT itself refuses, or applies also to tokens before the invocation.
    private void CheckTogether(PeftConfig config)
    {
        if (config is { HasLoraBias: true, UsesDora: true })
            _fields.Incompatible("lora_bias", "PEFT knows no bias on lora_B with use_dora");
        if (config.InvocationTokens.Count == 0) return;
        List<string> others = [];
        if (config.UsesDora) others.Add("use_dora");
        if (config.TrainedBiases != TrainedBiases.None) others.Add("bias");
        if (config.Saved.Names.Count > 0) others.Add("modules_to_save");
        if (config.TrainableTokens.Count > 0) others.Add("trainable_token_indices");
        if (others.Count == 0) return;
        var found = string.Join(", ", others);
        _fields.Incompatible("alora_invocation_tokens", $"activated LoRA is served as plain LoRA only, found {found} too");
    }

    private SavedModules Saved()
    {
        var names = _fields.Find("modules_to_save") is { } list ? _fields.Texts("modules_to_save", list) : [];
        if (names.Count <= MaxSavedNames) return new SavedModules(names);
        _fields.Incompatible("modules_to_save", $"expected at most {MaxSavedNames} names, found {names.Count}");
        return new SavedModules([]);
    }

    private IReadOnlyList<int> InvocationTokens()
    {
        var tokens = _fields.Find("alora_invocation_tokens") is { } list ? _fields.WholeNumbers("alora_invocation_tokens", list) : [];
        if (tokens.Count > MaxInvocationTokens)
            _fields.Incompatible("alora_invocation_tokens", $"expected at most {MaxInvocationTokens} tokens, found {tokens.Count}");
        return tokens;
    }

    private TrainedBiases Biases()
    {
        switch (_fields.Text("bias"))
        {
            case null or "none": return TrainedBiases.None;
            case "all": return TrainedBiases.All;
            case "lora_only": return TrainedBiases.LoraOnly;
            case { } other:
                _fields.Incompatible("bias", $"expected none, all or lora_only, found {FaultText.Shorten(other)}");
                return TrainedBiases.None;
        }
    }

    // A list holds tokens of the embedding; an object names the modules.
    private List<TrainableTokens> Tokens() => _fields.Find("trainable_token_indices") switch
    {
        null => [],
        { ValueKind: JsonValueKind.Object } =>
        [
            .. _fields.Properties("trainable_token_indices").Select(module => new TrainableTokens(
                module.Name, _fields.WholeNumbers($"trainable_token_indices: '{FaultText.Shorten(module.Name)}'", module.Value)))
                .Where(tokens => tokens.Ids.Count > 0),
        ],
        { } list when _fields.WholeNumbers("trainable_token_indices", list) is { Count: > 0 } ids =>
            [new TrainableTokens(TrainableTokens.Embedding, ids)],
        _ => [],
    };
}
