using System.Text;
using System.Text.Json;
using LoraServe.Text.Faults;
using LoraServe.Text.Files;

namespace LoraServe.Text.Templates;

/// <summary>
/// The chat templates and special tokens of a folder: chat_template.jinja, the template "default", and those in
/// additional_chat_templates; without either, chat_template in tokenizer_config.json, a string or a list of {name, template}.
/// </summary>
public sealed class ChatTemplateFiles
{
    /// <summary>The file of a single template.</summary>
    public const string TemplateFile = "chat_template.jinja";

    /// <summary>The tokenizer's configuration, which may hold templates and special tokens.</summary>
    public const string ConfigFile = "tokenizer_config.json";

    /// <summary>The name of the template used if none is named.</summary>
    public const string Default = "default";

    /// <summary>The largest size of a template file, in bytes.</summary>
    public const long MaxTemplateBytes = 4L << 20;
    /// <summary>The largest size of tokenizer_config.json, in bytes.</summary>
    public const long MaxConfigBytes = 32L << 20;

    private const string SpecialTokensFile = "special_tokens_map.json";
    private const string AdditionalFolder = "additional_chat_templates";
    private const int MaxTemplates = 32;
    private const int PointerLength = 64;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly string[] TokenNames =
        ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

    private readonly Dictionary<string, string> _sources = new(StringComparer.Ordinal);
    private readonly Dictionary<string, JsonElement> _specialTokens = new(StringComparer.Ordinal);
    private readonly FaultList _faults = new(refuse: null);

    private ChatTemplateFiles()
    {
    }

    /// <summary>Templates by name.</summary>
    public IReadOnlyDictionary<string, string> Sources => _sources;

    /// <summary>Special tokens by name: strings, and the list additional_special_tokens.</summary>
    public IReadOnlyDictionary<string, JsonElement> SpecialTokens => _specialTokens;

    /// <summary>The faults of the files, each with the file's name.</summary>
    public IReadOnlyList<string> Faults => _faults.Kept;

    /// <summary>Reads the files that exist; unusable files are recorded as faults.</summary>
    /// <param name="folder">The folder of a model or an adapter.</param>
    /// <param name="isAdapter">Whether to read only the two files that an adapter may contain.</param>
    public static ChatTemplateFiles Read(string folder, bool isAdapter)
    {
        var files = new ChatTemplateFiles();
        if (files.ReadText(Path.Combine(folder, TemplateFile), MaxTemplateBytes) is { } source) files._sources.Add(Default, source);
        if (!isAdapter) files.ReadAdditional(Path.Combine(folder, AdditionalFolder));
        var config = files.ReadObject(folder, ConfigFile);
        if (config is { } settings)
        {
            files.AddSpecialTokens(settings);
            if (files._sources.Count == 0 && settings.TryGetProperty("chat_template", out var given)) files.AddTemplates(given);
        }

        if (!isAdapter && files.ReadObject(folder, SpecialTokensFile) is { } map) files.AddSpecialTokens(map);
        return files;
    }

    private void ReadAdditional(string folder)
    {
        if (!Directory.Exists(folder)) return;
        foreach (var file in Directory.EnumerateFiles(folder, "*.jinja").Order(StringComparer.Ordinal).Take(MaxTemplates))
            if (ReadText(file, MaxTemplateBytes) is { } source) _sources.TryAdd(Path.GetFileNameWithoutExtension(file), source);
    }

    private void AddTemplates(JsonElement template)
    {
        switch (template.ValueKind)
        {
            case JsonValueKind.Null:
                break;
            case JsonValueKind.String:
                _sources.Add(Default, template.GetString()!);
                break;
            case JsonValueKind.Array when template.GetArrayLength() <= MaxTemplates:
                foreach (var item in template.EnumerateArray()) AddNamed(item);
                break;
            default:
                _faults.Add($"{ConfigFile}: chat_template: expected a text or a list of at most {MaxTemplates} objects with name and template");
                break;
        }
    }

    private void AddNamed(JsonElement item)
    {
        if (item.ValueKind == JsonValueKind.Object
            && item.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String
            && item.TryGetProperty("template", out var template) && template.ValueKind == JsonValueKind.String)
        {
            if (name.GetString()! is var key && !_sources.TryAdd(key, template.GetString()!))
                _faults.Add($"{ConfigFile}: chat_template: the name '{FaultText.Shorten(key)}' appears twice");
        }
        else
        {
            _faults.Add($"{ConfigFile}: chat_template: expected objects with name and template");
        }
    }

    // The first definition wins.
    private void AddSpecialTokens(JsonElement settings)
    {
        foreach (var name in TokenNames)
            if (settings.TryGetProperty(name, out var token)) AddToken(name, token);
        if (settings.TryGetProperty("additional_special_tokens", out var list) && list.ValueKind == JsonValueKind.Array)
        {
            var tokens = list.EnumerateArray().Select(TokenText).OfType<string>().ToArray();
            if (tokens.Length > 0) _specialTokens.TryAdd("additional_special_tokens", JsonSerializer.SerializeToElement(tokens));
        }

        if (!settings.TryGetProperty("extra_special_tokens", out var extra) || extra.ValueKind != JsonValueKind.Object) return;
        foreach (var token in extra.EnumerateObject()) AddToken(token.Name, token.Value);
    }

    private void AddToken(string name, JsonElement token)
    {
        if (TokenText(token) is { } text) _specialTokens.TryAdd(name, JsonSerializer.SerializeToElement(text));
    }

    private static string? TokenText(JsonElement token) => token.ValueKind switch
    {
        JsonValueKind.String => token.GetString(),
        JsonValueKind.Object when token.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String => content.GetString(),
        _ => null,
    };

    private JsonElement? ReadObject(string folder, string file)
    {
        if (ReadText(Path.Combine(folder, file), MaxConfigBytes) is not { } text) return null;
        try
        {
            using var document = JsonDocument.Parse(text);
            if (document.RootElement.ValueKind != JsonValueKind.Object) _faults.Add($"{file}: expected a JSON object");
            else if (UnicodeText.FirstInvalid(document.RootElement) is { } place) _faults.Add($"{file}: {place}: {UnicodeText.Fault}");
            else return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            _faults.Add($"{file}: {e.Message}");
        }

        return null;
    }

    private string? ReadText(string path, long maxBytes)
    {
        var name = Path.GetFileName(path);
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists) return null;
            if (RegularFile.IsOther(path))
            {
                _faults.Add(RegularFile.Fault(name));
                return null;
            }

            if (file.Length <= maxBytes)
            {
                var text = File.ReadAllText(path, StrictUtf8);
                if (!GitLfsPointer.Is(Encoding.UTF8.GetBytes(text[..Math.Min(text.Length, PointerLength)]))) return text;
                _faults.Add($"{name}: {GitLfsPointer.Fault}");
                return null;
            }

            _faults.Add($"{name}: expected at most {maxBytes} bytes, found {file.Length}");
        }
        catch (DecoderFallbackException)
        {
            _faults.Add($"{name}: expected UTF-8");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The operating system's message would reveal the path of an adapter's files to clients.
            _faults.Add($"{name}: cannot be read");
        }

        return null;
    }
}
