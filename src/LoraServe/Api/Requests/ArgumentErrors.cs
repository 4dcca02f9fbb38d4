using System.CommandLine;
using System.CommandLine.Parsing;

namespace LoraServe.Api.Requests;

/// <summary>Explains errors in the arguments of a command.</summary>
internal static class ArgumentErrors
{
    private const int ExitCode = 1;

    /// <summary>Writes every error and a hint to the help to standard error.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> WriteAsync(ParseResult result)
    {
        foreach (var error in Of(result)) await Console.Error.WriteLineAsync(error);
        await Console.Error.WriteLineAsync($"`loraserve{Path(result.CommandResult)} --help` tells what can be given.");
        return ExitCode;
    }

    /// <summary>One sentence per error.</summary>
    public static IEnumerable<string> Of(ParseResult result)
    {
        var unknown = result.UnmatchedTokens;
        // The argument after an unknown option is most likely its value.
        var options = unknown.Where(IsOption).ToList();
        foreach (var token in options.Count > 0 ? options : unknown) yield return Unknown(token, result.CommandResult.Command);
        foreach (var error in result.Errors)
        {
            if (!unknown.Any(token => error.SymbolResult is CommandResult && error.Message.Contains($"'{token}'", StringComparison.Ordinal)))
                yield return error.Message;
        }
    }

    private static string Unknown(string token, Command command)
    {
        var names = IsOption(token)
            ? command.Options.Where(option => !option.Hidden).Select(option => option.Name)
            : command.Subcommands.Select(subcommand => subcommand.Name);
        var kind = IsOption(token) ? "option" : "command";
        var near = NearName.Find(token, names);
        return $"'{token}' is no {kind}{(near is null ? "" : $": is {near} meant?")}";
    }

    private static bool IsOption(string token) => token.StartsWith('-');

    private static string Path(SymbolResult result) => result.Parent is CommandResult parent
        ? $"{Path(parent)} {((CommandResult)result).Command.Name}"
        : "";
}
