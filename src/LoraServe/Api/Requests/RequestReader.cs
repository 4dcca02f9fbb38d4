using System.ComponentModel.DataAnnotations;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using System.Text.Unicode;
using LoraServe.Api.Requests.Fields;
using LoraServe.Text.Faults;
using Microsoft.Net.Http.Headers;

namespace LoraServe.Api.Requests;

/// <summary>
/// Reads a JSON body into a request type and collects a fault for every field of a wrong type or out of range. Names, types and ranges
/// are those of the type's properties, which also define the API description. A null value counts as absent, and so does "auto" where
/// the server may choose.
/// </summary>
internal static class RequestReader
{
    // Finding duplicates reads every name, so names that are not valid Unicode fail here.
    private static readonly JsonDocumentOptions Options = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    /// <summary>Parses a body that must be one JSON object, whatever its Content-Type.</summary>
    /// <exception cref="InvalidRequestException">It is something else.</exception>
    public static async Task<JsonDocument> ReadBodyAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        JsonDocument document;
        try
        {
            document = await JsonDocument.ParseAsync(request.Body, Options, cancellationToken);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidRequestException(null, $"The body is not a JSON object: {e.Message}", "invalid_json");
        }

        if (Fault(document.RootElement) is { } fault)
            using (document) throw new InvalidRequestException(null, fault, "invalid_json");
        // Here for all texts: otherwise reading such a text would throw, wherever that happens.
        if (UnicodeText.FirstInvalid(document.RootElement) is { } place)
            using (document) throw new InvalidRequestException(place, UnicodeText.Fault);
        return document;
    }

    /// <summary>Reads a body with only the request's fields.</summary>
    /// <param name="request">The HTTP request.</param>
    /// <param name="defaults">The defaults; filled and returned.</param>
    /// <param name="isRequired">Whether an empty body is a fault.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="InvalidRequestException">With every fault.</exception>
    public static Task<T> ReadAsync<T>(HttpRequest request, T defaults, bool isRequired, CancellationToken cancellationToken)
        where T : class => ReadAsync(request, defaults, isRequired, FieldRules.None, cancellationToken);

    /// <summary>Reads a body with only the request's fields and those known to the rules.</summary>
    /// <param name="request">The HTTP request.</param>
    /// <param name="defaults">The defaults; filled and returned.</param>
    /// <param name="isRequired">Whether an empty body is a fault.</param>
    /// <param name="rules">What other fields mean.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="InvalidRequestException">With every fault.</exception>
    public static async Task<T> ReadAsync<T>(
        HttpRequest request, T defaults, bool isRequired, FieldRules rules, CancellationToken cancellationToken)
        where T : class
    {
        if (!isRequired && request.ContentLength is null or 0 && !request.Headers.ContainsKey(HeaderNames.TransferEncoding)) return defaults;
        using var body = await ReadBodyAsync(request, cancellationToken);
        var faults = new RequestFaults();
        Read(body.RootElement, defaults, rules, faults);
        faults.ThrowIfAny();
        return defaults;
    }

    /// <summary>Sets the properties of a request whose fields are present.</summary>
    /// <param name="json">A JSON object.</param>
    /// <param name="request">The defaults of absent fields.</param>
    /// <param name="rules">Rules for fields that <typeparamref name="T"/> does not have.</param>
    /// <param name="faults">Receives every fault.</param>
    public static void Read<T>(JsonElement json, T request, FieldRules rules, RequestFaults faults)
        where T : class => Read(json, request, "", rules, faults);

    private static void Read(JsonElement json, object request, string path, FieldRules rules, RequestFaults faults)
    {
        var spellings = new Dictionary<string, JsonProperty>(StringComparer.Ordinal);
        var properties = ApiJson.Options.GetTypeInfo(request.GetType()).Properties.ToDictionary(property => property.Name, StringComparer.Ordinal);
        foreach (var field in json.EnumerateObject())
        {
            var name = path + field.Name;
            if (field.Value.ValueKind == JsonValueKind.Null) continue;
            var known = rules.Find(name) is OtherName other ? other.Of : field.Name;
            if (!properties.TryGetValue(known, out var property))
            {
                rules.Check(name, field.Value, properties.Keys.Select(key => path + key), faults);
                continue;
            }

            if (!spellings.TryAdd(known, field))
            {
                var (first, said) = (spellings[known].Name, spellings[known].Value);
                if (!JsonElement.DeepEquals(said, field.Value))
                    faults.Add(new RequestFault(name, $"means the same as {path}{first}, which says {FaultText.Show(said)}, found {FaultText.Show(field.Value)}"));
                continue;
            }

            if (property.AttributeProvider!.IsDefined(typeof(AutoAttribute), inherit: true) && IsAuto(field.Value))
                continue;
            else if (property.PropertyType.IsDefined(typeof(RequestPartAttribute), inherit: false) && field.Value.ValueKind == JsonValueKind.Object)
                property.Set!(request, ReadPart(property.PropertyType, field.Value, $"{name}.", rules, faults));
            else if (Fault(property, field.Value, request) is { } expected)
                faults.Add(new RequestFault(name, $"expected {expected}, found {FaultText.Show(field.Value)}"));
        }
    }

    private static object ReadPart(Type type, JsonElement json, string path, FieldRules rules, RequestFaults faults)
    {
        var part = Activator.CreateInstance(type)!;
        Read(json, part, path, rules, faults);
        return part;
    }

    private static bool IsAuto(JsonElement value) => value.ValueKind == JsonValueKind.String && value.ValueEquals("auto");

    // Parsing accepts any bytes in strings; reading them would fail later.
    private static string? Fault(JsonElement body) =>
        !Utf8.IsValid(JsonMarshal.GetRawUtf8Value(body)) ? "The body is not valid UTF-8."
        : body.ValueKind != JsonValueKind.Object ? $"The body must be a JSON object, found {FaultText.Show(body)}"
        : null;

    // Sets the property, or returns what was expected.
    private static string? Fault(JsonPropertyInfo property, JsonElement json, object request)
    {
        if (!AreNamesKnown(property.PropertyType, json)) return Describe(property);
        object? value;
        try
        {
            value = WholeNumber.Plain(json, property.PropertyType).Deserialize(property.PropertyType, ApiJson.Options);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return Describe(property) ?? e.Message;
        }

        // The type excludes null texts, but items of lists are not checked against it.
        if (value is IEnumerable<string?> texts && texts.Contains(null)) return Describe(property);
        if (value is IReadOnlyDictionary<string, string?> named && named.Values.Contains(null)) return Describe(property);
        var constraints = property.AttributeProvider!.GetCustomAttributes(typeof(ValidationAttribute), inherit: true);
        if (!constraints.Cast<ValidationAttribute>().All(constraint => constraint.IsValid(value))) return Describe(property);
        property.Set!(request, value);
        return null;
    }

    // The framework's converter reads "a, b" as a | b, and ignores case.
    private static bool AreNamesKnown(Type type, JsonElement json)
    {
        if (json.ValueKind == JsonValueKind.Array && type is { IsGenericType: true, GenericTypeArguments: [var item] })
            return !item.IsEnum || json.EnumerateArray().All(element => AreNamesKnown(item, element));
        var name = Nullable.GetUnderlyingType(type) ?? type;
        return !name.IsEnum || Names(name).Any(known => JsonElement.DeepEquals(known, json));
    }

    // Null if the type has its own converter, whose message says more.
    private static string? Describe(JsonPropertyInfo property)
    {
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        var noun = type == typeof(bool) ? "true or false"
            : type == typeof(int) ? "a whole number"
            : type == typeof(long) ? "a whole number of 64 bits"
            : type == typeof(float) || type == typeof(double) ? "a number"
            : type.IsEnum ? DescribeNames(type)
            : property.AttributeProvider!.GetCustomAttributes(typeof(AllowedValuesAttribute), inherit: true) is [AllowedValuesAttribute allowed]
                ? string.Join(" or ", allowed.Values)
            : type == typeof(string) ? "a text of valid Unicode"
            : type == typeof(IReadOnlyList<int>) ? "a list of token ids"
            : type == typeof(IReadOnlyList<string>) ? "a list of texts"
            : type.IsGenericType && type.GenericTypeArguments is [{ IsEnum: true } item] ? $"a list of some of {DescribeNames(item)}"
            : type == typeof(JsonObject) ? "an object"
            : type == typeof(IReadOnlyDictionary<string, int>) ? "an object of names and whole numbers"
            : type == typeof(IReadOnlyDictionary<string, double>) ? "an object of names and numbers"
            : type == typeof(IReadOnlyDictionary<string, string>) ? "an object of names and texts"
            : type == typeof(JsonArray) ? "a list"
            : type.IsDefined(typeof(JsonConverterAttribute), inherit: false) ? null
            : $"an object with {DescribeFields(type)}";
        if (property.AttributeProvider!.IsDefined(typeof(AutoAttribute), inherit: true)) noun = $"auto or {noun}";
        if (property.AttributeProvider!.GetCustomAttributes(typeof(RangeAttribute), inherit: true) is not [RangeAttribute range])
            return noun;
        var (from, to) = (range.MinimumIsExclusive ? "above" : "from", range.MaximumIsExclusive ? "to below" : "to");
        return $"{noun} {from} {range.Minimum} {to} {range.Maximum}";
    }

    private static string DescribeNames(Type type) =>
        string.Join(", ", Names(type));

    private static IEnumerable<JsonElement> Names(Type type) =>
        Enum.GetValues(type).Cast<object>().Select(value => JsonSerializer.SerializeToElement(value, type, ApiJson.Options));

    private static string DescribeFields(Type type) =>
        string.Join(", ", ApiJson.Options.GetTypeInfo(type).Properties.Select(field => $"{field.Name} ({Describe(field)})"));
}
