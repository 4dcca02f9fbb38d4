using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text;
using LoraServe.Api.Requests;
using LoraServe.Hosting;

namespace LoraServe.Tests.Hosting;

/// <summary>docs/options.md, generated from the attributes of <see cref="LoraServeOptions"/>.</summary>
internal static class OptionsPage
{
    private const string Start =
        """
        # Options of the server

        | where | how `--max-num-seqs 8` is written there |
        |---|---|
        | command line | `--max-num-seqs 8`; a switch alone, such as `--allow-anonymous`, means true |
        | environment | `LoraServe__MaxNumSeqs=8` |
        | appsettings.json beside the program | `{"LoraServe": {"MaxNumSeqs": 8}}` |

        The command line outranks the environment, which outranks the file. An empty text leaves an option at its default. An unknown option is
        refused with the nearest name, as is an environment variable with one underscore too few. All faults are listed at once, before anything
        is loaded. `LoraServe --help` prints this list, and `LoraServe COMMAND --help` the options of `train`, `evaluate`, `rank`, `merge`, `keys`,
        `verify-data` and `health`.

        This page is written from the attributes of [LoraServeOptions](../src/LoraServe/LoraServeOptions.cs); a test compares the two.

        | option | values | default | |
        |---|---|---|---|

        """;

    // If the default is a rule instead of a value, the description ends with it.
    private const string DefaultMark = " Default: ";

    /// <summary>The page.</summary>
    public static string Text()
    {
        var page = new StringBuilder(Start);
        foreach (var property in OptionsReader.Properties)
        {
            var parts = property.GetCustomAttribute<DescriptionAttribute>()!.Description.Split(DefaultMark);
            page.Append(CultureInfo.InvariantCulture, $"| `--{OptionsReader.Name(property)}` | {Values(property)} | {Default(property, parts)} | {parts[0]} |\n");
        }

        return page.ToString();
    }

    private static string Default(PropertyInfo property, string[] description) =>
        description.Length == 2 ? description[1].TrimEnd('.') : $"`{Value(property.GetValue(new LoraServeOptions())!)}`";

    private static string Values(PropertyInfo property)
    {
        if (property.GetCustomAttribute<AllowedValuesAttribute>() is { } allowed) return string.Join(", ", allowed.Values.Select(value => $"`{value}`"));
        if (property.PropertyType == typeof(bool)) return "`true`, `false`";
        if (property.GetCustomAttribute<RangeAttribute>() is not { } range) return property.GetCustomAttribute<TextRuleAttribute>() switch
        {
            ExistingFolderAttribute or BaseModelAttribute => "folder that exists",
            FolderAttribute => "folder",
            _ => "text",
        };
        return range.Maximum is "9223372036854775807" ? $"from {range.Minimum}" : $"{Value(range.Minimum)} to {Value(range.Maximum)}";
    }

    private static string Value(object value) => value is bool ? value.ToString()!.ToLowerInvariant() : Convert.ToString(value, CultureInfo.InvariantCulture)!;
}
