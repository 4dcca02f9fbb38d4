using System.CommandLine;
using System.CommandLine.Parsing;

namespace LoraServe.Benchmarks;

/// <summary>The address of a server on the command line.</summary>
internal static class UrlOption
{
    /// <returns>An option that takes only http and https; null if it is not given.</returns>
    public static Option<Uri?> Create(string description) => new("--url") { Description = description, HelpName = "URL", CustomParser = Parse };

    private static Uri? Parse(ArgumentResult result)
    {
        if (Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https") return url;
        result.AddError($"--url: expected an address such as http://localhost:8080, found {result.Tokens[0].Value}");
        return null;
    }
}
