using System.Text.Json;
using System.Text.Unicode;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Checkpoints.Safetensors;

/// <summary>
/// The JSON that describes a safetensors file: name -> {"dtype", "shape", "data_offsets": [begin, end)}, and text under "__metadata__".
/// The tensors must cover the data without gaps or overlaps, each with exactly the bytes of its shape.
/// </summary>
internal sealed class SafetensorsHeader
{
    private const string MetadataKey = "__metadata__";

    // A header needs three levels (root, entry, shape); deeper nesting is hostile.
    private const int MaxDepth = 8;

    // Far above any model's names; refused names are quoted in messages.
    private const int MaxNameLength = 1024;

    private readonly Dictionary<string, SafetensorsEntry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private readonly FaultList _faults;
    private readonly SafetensorsEntryReader _entryReader;
    private bool _hasMetadata;

    private SafetensorsHeader(string file)
    {
        _faults = new FaultList(found => new InvalidSafetensorsException(file, found));
        _entryReader = new SafetensorsEntryReader(_faults);
    }

    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _entries;

    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <param name="file">The file's name, for messages.</param>
    /// <param name="json">The header's bytes, padding included.</param>
    /// <param name="dataLength">Number of bytes after the header.</param>
    /// <exception cref="InvalidSafetensorsException">The only exception, for any content of <paramref name="json"/>.</exception>
    public static SafetensorsHeader Parse(string file, ReadOnlySpan<byte> json, long dataLength)
    {
        var header = new SafetensorsHeader(file);
        try
        {
            header.Read(json);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            header.Fault($"the header is not valid JSON: {e.Message}");
        }

        header._faults.ThrowIfAny();
        header.CheckCoverage(dataLength);
        header._faults.ThrowIfAny();
        return header;
    }

    private void Read(ReadOnlySpan<byte> json)
    {
        if (json.IsEmpty || json[0] != '{')
        {
            Fault("the header must be a JSON object that starts at its first byte");
            return;
        }

        if (!Utf8.IsValid(json))
        {
            Fault("the header is not UTF-8");
            return;
        }

        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (name == MetadataKey)
            {
                ReadMetadata(ref reader);
            }
            else if (name.Length > MaxNameLength)
            {
                Fault($"a tensor's name has {name.Length} characters, at most {MaxNameLength} are possible");
                reader.Skip();
            }
            else if (_entryReader.Read(ref reader, name) is { } entry && !_entries.TryAdd(name, entry))
            {
                Fault($"tensor '{name}' appears twice");
            }
        }

        // Only white space may follow the object; the reader throws at anything else.
        while (!_faults.Any && reader.Read())
        {
        }
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        if (_hasMetadata || reader.TokenType != JsonTokenType.StartObject)
        {
            Fault($"{MetadataKey} must be one object");
            reader.Skip();
            return;
        }

        _hasMetadata = true;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String)
            {
                Fault($"{MetadataKey} '{FaultText.Shorten(key)}' must be text, not {reader.TokenType}");
                reader.Skip();
            }
            else if (!_metadata.TryAdd(key, reader.GetString()!))
            {
                Fault($"{MetadataKey} '{FaultText.Shorten(key)}' appears twice");
            }
        }
    }

    private void CheckCoverage(long dataLength)
    {
        var end = 0L;
        foreach (var entry in _entries.Values.OrderBy(e => e.Offset).ThenBy(e => e.Length))
        {
            if (entry.Offset != end)
            {
                Fault(
                    $"tensor '{entry.Name}' begins at byte {entry.Offset} of the data, expected {end}: "
                    + "tensors must follow each other without hole or overlap");
                return;
            }

            end += entry.Length;
        }

        if (end != dataLength)
        {
            Fault($"the tensors need {end} bytes of data, the file has {dataLength}");
        }
    }

    // A hostile header can hold millions of faults: reading ends after the first few.
    private void Fault(string fault) => _faults.Add(fault);
}
