using System.Text.Json;
using LoraServe.Text.Faults;

namespace LoraServe.Engine.Checkpoints.Safetensors;

/// <summary>Reads a header entry: {"dtype", "shape", "data_offsets": [begin, end)}; the byte range must have exactly the size of the shape.</summary>
/// <param name="faults">Receives the faults; a hostile header can hold millions, so reading ends after the first few.</param>
internal sealed class SafetensorsEntryReader(FaultList faults)
{
    private const int MaxDimensions = 64;

    /// <summary>Reads one entry, or skips it.</summary>
    /// <param name="reader">At the value; afterwards at its end.</param>
    /// <param name="name">The tensor's name, of bounded length.</param>
    /// <returns>The entry, or null if it has faults.</returns>
    public SafetensorsEntry? Read(ref Utf8JsonReader reader, string name)
    {
        var before = faults.Count;
        SafetensorsDtype? dtype = null;
        List<long>? shape = null;
        List<long>? offsets = null;
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            faults.Add($"tensor '{name}': expected an object, found {reader.TokenType}");
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
                    faults.Add($"tensor '{name}': {key} appears twice");
                    reader.Skip();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        if (faults.Count > before)
        {
            return null;
        }

        if (dtype is null || shape is null || offsets is not [var begin, var end])
        {
            faults.Add($"tensor '{name}': expected dtype, shape and data_offsets [begin, end]");
            return null;
        }

        return CheckSize(name, dtype.Value, shape, begin, end);
    }

    private SafetensorsEntry? CheckSize(string name, SafetensorsDtype dtype, List<long> shape, long begin, long end)
    {
        if (end < begin)
        {
            faults.Add($"tensor '{name}': data_offsets [{begin}, {end}] end before they begin");
            return null;
        }

        try
        {
            var bits = checked(shape.Aggregate(1L, (product, size) => checked(product * size)) * dtype.Bits());
            if (bits % 8 != 0 || bits / 8 != end - begin)
            {
                faults.Add($"tensor '{name}': {dtype} [{string.Join(", ", shape)}] needs {bits / 8.0} bytes, data_offsets give {end - begin}");
                return null;
            }
        }
        catch (OverflowException)
        {
            faults.Add($"tensor '{name}': the shape [{string.Join(", ", shape)}] is too large to count its bytes");
            return null;
        }

        return new SafetensorsEntry(name, dtype, shape, begin, end - begin);
    }

    private SafetensorsDtype? ReadDtype(ref Utf8JsonReader reader, string name)
    {
        var text = reader.TokenType == JsonTokenType.String ? reader.GetString()! : reader.TokenType.ToString();
        // Enum.TryParse also accepts numbers and lists, which are not dtype names.
        if (Enum.TryParse<SafetensorsDtype>(text, out var dtype) && dtype.ToString() == text)
        {
            return dtype;
        }

        faults.Add($"tensor '{name}': unknown dtype '{FaultText.Shorten(text)}'");
        reader.Skip();
        return null;
    }

    private List<long>? ReadSizes(ref Utf8JsonReader reader, string name, string key)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            faults.Add($"tensor '{name}': {key} must be a list, not {reader.TokenType}");
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

        faults.Add($"tensor '{name}': {key} must hold whole numbers from 0 to 2^63 - 1, and no more than {MaxDimensions} of them");
        return null;
    }
}
