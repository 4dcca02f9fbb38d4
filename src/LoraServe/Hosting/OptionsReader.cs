using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text.Json;
using LoraServe.Metrics;
using Microsoft.Extensions.Options;

namespace LoraServe.Hosting;

/// <summary>Reads <see cref="LoraServeOptions"/> from the configuration; its attributes say what is allowed.</summary>
internal static class OptionsReader
{
    /// <summary>The options that a person can set.</summary>
    public static IReadOnlyList<PropertyInfo> Properties { get; } =
        [.. typeof(LoraServeOptions).GetProperties().Where(property => property.IsDefined(typeof(DescriptionAttribute)))];

    /// <summary>An option's name on the command line, without the two dashes.</summary>
    public static string Name(PropertyInfo property) => JsonNamingPolicy.KebabCaseLower.ConvertName(property.Name);

    /// <exception cref="OptionsValidationException">Its failures name every option that is unknown, malformed or out of range.</exception>
    public static LoraServeOptions Read(IConfiguration configuration)
    {
        var section = configuration.GetSection(LoraServeOptions.Section);
        var options = new LoraServeOptions();
        var faults = section.GetChildren()
            .Where(child => !Properties.Any(property => property.Name.Equals(child.Key, StringComparison.OrdinalIgnoreCase)))
            .Select(child => $"{LoraServeOptions.Section}:{child.Key} is not an option; `--help` lists them all")
            .ToList();
        foreach (var property in Properties)
        {
            if (section[property.Name] is { Length: > 0 } text && Fault(property, text, options) is { } fault)
                faults.Add($"--{Name(property)} (or {LoraServeOptions.Section}__{property.Name}): expected {fault}, found '{text}'");
        }

        if (faults.Count > 0) throw new OptionsValidationException(LoraServeOptions.Section, typeof(LoraServeOptions), faults);
        return options;
    }

    private static string? Fault(PropertyInfo property, string text, LoraServeOptions options)
    {
        object value = text;
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        if (type == typeof(int) || type == typeof(long))
        {
            var range = property.GetCustomAttribute<RangeAttribute>()!;
            var (least, most) = (Convert.ToInt64(range.Minimum), Convert.ToInt64(range.Maximum));
            if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
                || number < least || number > most)
            {
                return $"a whole number from {least} to {most}";
            }

            value = Convert.ChangeType(number, type);
        }
        else if (type == typeof(bool))
        {
            if (!bool.TryParse(text, out var flag)) return "true or false";
            value = flag;
        }
        else if (property.GetCustomAttribute<AllowedValuesAttribute>() is { } allowed && !allowed.IsValid(text))
        {
            return $"one of {string.Join(", ", allowed.Values)}";
        }
        else if (property.Name is nameof(LoraServeOptions.Model) or nameof(LoraServeOptions.Adapters) or nameof(LoraServeOptions.LoraPathRoot)
            && !Directory.Exists(text))
        {
            return "a folder that exists";
        }
        else if (property.Name == nameof(LoraServeOptions.Urls) && !text.Split(';').All(IsAddress))
        {
            return "addresses like http://localhost:8080";
        }
        else if (property.Name == nameof(LoraServeOptions.OtlpEndpoint) && !Telemetry.IsEndpoint(text))
        {
            return "an address like http://localhost:4317";
        }
        else if (property.Name == nameof(LoraServeOptions.CorsOrigins) && !text.Split(';').All(IsOrigin))
        {
            return "origins like https://app.example.com, without a path";
        }

        property.SetValue(options, value);
        return null;
    }

    private static bool IsOrigin(string text) =>
        Uri.TryCreate(text.Trim(), UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
        && uri.GetLeftPart(UriPartial.Authority) == text.Trim();

    private static bool IsAddress(string text)
    {
        try
        {
            var address = BindingAddress.Parse(text);
            return address.Scheme is "http" or "https" && address.PathBase.Length == 0 && address.Port <= IPEndPoint.MaxPort;
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
