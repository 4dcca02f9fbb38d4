using System.Text.Json;
using System.Text.RegularExpressions;

namespace LoraServe.Engine.Peft;

/// <summary>The rank and alpha of every adapted module, to be written into the adapter_config.json of another adapter.</summary>
/// <param name="modules">By path.</param>
internal sealed class PeftRanks(IReadOnlyDictionary<string, (int Rank, double Alpha)> modules)
{
    private static readonly string[] Fields = ["r", "lora_alpha", "rank_pattern", "alpha_pattern"];

    /// <summary>
    /// The configuration with these ranks and alphas, the most frequent ones as r and lora_alpha, the others as patterns of one path each.
    /// Everything else stays as it is.
    /// </summary>
    /// <param name="config">An adapter_config.json that <see cref="PeftConfigReader"/> has accepted.</param>
    public byte[] ApplyTo(ReadOnlyMemory<byte> config)
    {
        if (config.Span.StartsWith("\uFEFF"u8)) config = config[3..];
        using var document = JsonDocument.Parse(config);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            foreach (var property in document.RootElement.EnumerateObject().Where(property => !Fields.Contains(property.Name)))
            {
                // Copied raw: values that were never read may hold strings that cannot be decoded.
                json.WritePropertyName(property.Name);
                json.WriteRawValue(property.Value.GetRawText(), skipInputValidation: true);
            }

            Write(json, "r", "rank_pattern", module => module.Rank);
            Write(json, "lora_alpha", "alpha_pattern", module => module.Alpha);
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    private void Write(Utf8JsonWriter json, string field, string patternField, Func<(int Rank, double Alpha), double> select)
    {
        var usual = modules.Values.Select(select).CountBy(value => value).MaxBy(pair => pair.Value).Key;
        json.WriteNumber(field, usual);
        json.WriteStartObject(patternField);
        foreach (var (path, module) in modules.OrderBy(module => module.Key, StringComparer.Ordinal))
            if (select(module) != usual) json.WriteNumber($"^{Regex.Escape(path)}$", select(module));
        json.WriteEndObject();
    }
}
