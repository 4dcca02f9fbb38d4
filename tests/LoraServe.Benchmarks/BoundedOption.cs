using System.CommandLine;

namespace LoraServe.Benchmarks;

/// <summary>A whole number on the command line.</summary>
internal static class BoundedOption
{
    /// <returns>An option whose error message names the limits.</returns>
    public static Option<int> Create(string name, string description, int byDefault, int least, int most)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => byDefault, HelpName = "NUMBER" };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var value) && (value < least || value > most))
                result.AddError($"{name}: expected a number from {least} to {most}, found {value}");
        });
        return option;
    }
}
