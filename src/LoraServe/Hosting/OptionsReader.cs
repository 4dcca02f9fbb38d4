using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json;
using LoraServe.Api.Requests;
using Microsoft.Extensions.Options;

namespace LoraServe.Hosting;

/// <summary>Binds <see cref="LoraServeOptions"/> to the configuration; its attributes define what is valid.</summary>
internal static class OptionsReader
{
    /// <summary>The options that can be set.</summary>
    public static IReadOnlyList<PropertyInfo> Properties { get; } =
        [.. typeof(LoraServeOptions).GetProperties().Where(property => property.IsDefined(typeof(DescriptionAttribute)))];

    private static IEnumerable<string> Names => Properties.Select(property => property.Name);

    /// <summary>An option's name on the command line, without the leading dashes.</summary>
    public static string Name(PropertyInfo property) => JsonNamingPolicy.KebabCaseLower.ConvertName(property.Name);

    /// <summary>An empty text leaves an option at its default.</summary>
    /// <exception cref="OptionsValidationException">Its failures name every option that is unknown, malformed or out of range.</exception>
    public static LoraServeOptions Read(IConfiguration configuration)
    {
        var section = configuration.GetSection(LoraServeOptions.Section);
        var faults = Unknown(section)
            .Concat(Misspelt(configuration))
            .Concat(Properties.Select(property => Fault(property, section.GetSection(property.Name))).OfType<string>())
            .Concat(ListenAddresses.Faults(configuration))
            .ToList();
        if (faults.Count > 0) throw new OptionsValidationException(LoraServeOptions.Section, typeof(LoraServeOptions), faults);

        var set = Names.Where(name => section[name] is { Length: > 0 }).Select(name => KeyValuePair.Create(name, section[name]));
        var options = new ConfigurationBuilder().AddInMemoryCollection(set).Build().Get<LoraServeOptions>() ?? new LoraServeOptions();
        return options with { Urls = ListenAddresses.Of(configuration) };
    }

    private static IEnumerable<string> Unknown(IConfiguration section) => section.GetChildren()
        .Select(child => child.Key)
        .Where(key => !Names.Contains(key, StringComparer.OrdinalIgnoreCase))
        .Select(key => $"{LoraServeOptions.Section}:{key} is not an option; "
            + (NearName.Find(key, Names) is { } near ? $"is {LoraServeOptions.Section}:{near} meant? " : "") + "`--help` lists them all");

    // One underscore instead of two, or words separated as in other programs: the option would silently have no effect.
    // Names that match no option belong to others; Kubernetes sets LORASERVE_PORT for a service of that name.
    private static IEnumerable<string> Misspelt(IConfiguration configuration) =>
        from child in configuration.GetChildren()
        from name in Names
        where NearName.AreSame(child.Key, LoraServeOptions.Section + name)
        select $"{child.Key} is not an option; LoraServe__{name} is";

    private static string? Fault(PropertyInfo property, IConfigurationSection setting)
    {
        if (setting.GetChildren().Any()) return Describe("expected one text, several parts of which have semicolons between them, found a list");
        if (setting.Value is not { Length: > 0 } text) return null;
        if (property.GetCustomAttribute<TextRuleAttribute>() is { } rule) return rule.Fault(text) is { } fault ? Describe(fault) : null;
        return IsAllowed(property, setting) ? null : Describe($"expected {Expected(property)}, found '{text}'");

        string Describe(string fault) => $"--{Name(property)} (or {LoraServeOptions.Section}__{property.Name}): {fault}";
    }

    private static bool IsAllowed(PropertyInfo property, IConfigurationSection setting)
    {
        try
        {
            var value = setting.Get(property.PropertyType);
            return property.GetCustomAttributes<ValidationAttribute>().All(rule => rule.IsValid(value));
        }
        // Of another type.
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static string Expected(PropertyInfo property)
    {
        var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        if (type == typeof(bool)) return "true or false";
        return property.GetCustomAttribute<RangeAttribute>() is { } range
            ? $"a {(type == typeof(double) ? "" : "whole ")}number from {range.Minimum} to {range.Maximum}"
            : $"one of {string.Join(", ", property.GetCustomAttribute<AllowedValuesAttribute>()!.Values)}";
    }
}
