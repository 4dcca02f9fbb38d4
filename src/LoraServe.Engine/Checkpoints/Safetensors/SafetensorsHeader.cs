using System.Text.Json;
using System.Text.Unicode;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Checkpoints.Safetensors;

/// <summary>
/// The JSON that describes a safetensors file: name -> {"dtype", "shape", "data_offsets": [begin, end)}, and text under "__metadata__".
/// The tensors must cover the data from 0 to its end without hole or overlap, each with exactly the bytes that its shape needs.
/// </summary>
internal sealed class SafetensorsHeader
{
    private const string MetadataKey = "__metadata__";

    // Root, entry, shape: a header has no use for more, and a deep one is an attack.
    private const int MaxDepth = 8;

    // Far above any model's; what is refused is quoted in messages.
    private const int MaxNameLength = 1024;
    private const int MaxDimensions = 64;

    private readonly Dictionary<string, SafetensorsEntry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private readonly FaultList _faults;
    private bool _hasMetadata;

    private SafetensorsHeader(string file) => _faults = new FaultList(found => new InvalidSafetensorsException(file, found));

    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _entries;

    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <param name="file">For messages.</param>
    /// <param name="json">The header's bytes, padding included.</param>
    /// <param name="dataLength">Number of bytes after the header.</param>
    /// <exception cref="InvalidSafetensorsException">For whatever <paramref name="json"/> may hold.</exception>
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
            else if (ReadEntry(ref reader, name) is { } entry && !_entries.TryAdd(name, entry))
            {
                Fault($"tensor '{name}' is there twice");
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
                Fault($"{MetadataKey} '{FaultText.Shorten(key)}' is there twice");
            }
        }
    }

    private SafetensorsEntry? ReadEntry(ref Utf8JsonReader reader, string name)
    {
        var before = _faults.Count;
        SafetensorsDtype? dtype = null;
        List<long>? shape = null;
        List<long>? offsets = null;
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            Fault($"tensor '{name}': expected an object, found {reader.TokenType}");
            reader.Skip();
            return null;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            switch (key)
            {
                case "dtype" when dtype is null:
                    dtype = ReadDtype(ref reader, name);
                    break;
                case "shape" when shape is null:
                    shape = ReadSizes(ref reader, name, key);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadSizes(ref reader, name, key);
                    break;
                case "dtype" or "shape" or "data_offsets":
                    Fault($"tensor '{name}': {key} is there twice");
                    reader.Skip();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        if (_faults.Count > before)
        {
            return null;
        }

        if (dtype is null || shape is null || offsets is not [var begin, var end])
        {
            Fault($"tensor '{name}': expected dtype, shape and data_offsets [begin, end]");
            return null;
        }

        return CheckSize(name, dtype.Value, shape, begin, end);
    }

    private SafetensorsEntry? CheckSize(string name, SafetensorsDtype dtype, List<long> shape, long begin, long end)
    {
        if (end < begin)
        {
            Fault($"tensor '{name}': data_offsets [{begin}, {end}] end before they begin");
            return null;
        }

        try
        {
            var bits = checked(shape.Aggregate(1L, (product, size) => checked(product * size)) * dtype.Bits());
            if (bits % 8 != 0 || bits / 8 != end - begin)
            {
                Fault($"tensor '{name}': {dtype} [{string.Join(", ", shape)}] needs {bits / 8.0} bytes, data_offsets give {end - begin}");
                return null;
            }
        }
        catch (OverflowException)
        {
            Fault($"tensor '{name}': the shape [{string.Join(", ", shape)}] is too large to count its bytes");
            return null;
        }

        return new SafetensorsEntry(name, dtype, shape, begin, end - begin);
    }

    private SafetensorsDtype? ReadDtype(ref Utf8JsonReader reader, string name)
    {
        var text = reader.TokenType == JsonTokenType.String ? reader.GetString()! : reader.TokenType.ToString();
        // Enum.TryParse also takes numbers and lists, which are no names of dtypes.
        if (Enum.TryParse<SafetensorsDtype>(text, out var dtype) && dtype.ToString() == text)
        {
            return dtype;
        }

        Fault($"tensor '{name}': unknown dtype '{FaultText.Shorten(text)}'");
        reader.Skip();
        return null;
    }

    private List<long>? ReadSizes(ref Utf8JsonReader reader, string name, string key)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            Fault($"tensor '{name}': {key} must be a list, not {reader.TokenType}");
            reader.Skip();
            return null;
        }

        var sizes = new List<long>();
        var valid = true;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var size) && size >= 0 && sizes.Count < MaxDimensions)
            {
                sizes.Add(size);
                continue;
            }

            valid = false;
            reader.Skip();
        }

        if (valid)
        {
            return sizes;
        }

        Fault($"tensor '{name}': {key} must hold whole numbers from 0 to 2^63 - 1, and no more than {MaxDimensions} of them");
        return null;
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

    // A hostile header can hold millions: the first few end reading.
    private void Fault(string fault) => _faults.Add(fault);
}
