using System.CommandLine;
using System.CommandLine.Invocation;
using System.ComponentModel;
using System.Net.Sockets;
using System.Reflection;
using LoraServe.Api.Requests;
using LoraServe.Hosting;
using Microsoft.Extensions.Options;

namespace LoraServe.Commands;

/// <summary>
/// The command line: one option for each property of <see cref="LoraServeOptions"/>, and the subcommands health, merge, keys,
/// verify-data, train, evaluate and rank.
/// </summary>
internal static class CommandLine
{
    // Arguments that .NET hosts, such as tests and build tools, pass to the web application.
    private static readonly string[] HostSettings = ["environment", "contentRoot", "applicationName"];

    /// <param name="args">The process's arguments.</param>
    /// <param name="serve">Runs the server with the resulting configuration; returns the exit code.</param>
    /// <returns>The exit code; usage errors have been explained on standard error.</returns>
    public static async Task<int> RunAsync(string[] args, Func<IReadOnlyDictionary<string, string?>, Task<int>> serve)
    {
        var result = Create(serve).Parse(args);
        if (result.Action is ParseErrorAction) return await ArgumentErrors.WriteAsync(result);
        try
        {
            // The web host handles signals itself: letting running requests finish can take longer than the two seconds allowed here.
            var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await result.InvokeAsync(configuration);
        }
        catch (OptionsValidationException e)
        {
            return await FailAsync(string.Join("\n  ", e.Failures));
        }
        // The address is in use, not local, or https without a certificate; or a folder belongs to another user.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException or InvalidOperationException)
        {
            return await FailAsync(e.Message);
        }
    }

    internal static RootCommand Create(Func<IReadOnlyDictionary<string, string?>, Task<int>> serve)
    {
        var settings = OptionsReader.Properties.ToDictionary(
            property => $"{LoraServeOptions.Section}:{property.Name}",
            property => new Option<string?>($"--{OptionsReader.Name(property)}")
            {
                Description = Describe(property),
                HelpName = property.PropertyType == typeof(string) ? "TEXT"
                    : property.PropertyType == typeof(bool) ? "true|false"
                    : "NUMBER",
                // A bare flag means true.
                Arity = property.PropertyType == typeof(bool) ? ArgumentArity.ZeroOrOne : ArgumentArity.ExactlyOne,
            });
        foreach (var name in HostSettings) settings.Add(name, new Option<string?>($"--{name}") { Hidden = true });

        var root = new RootCommand(
            "Serves one frozen base language model together with any number of LoRA adapters over the OpenAI API. " +
            "Each option can also be set in the environment: --max-num-seqs is LoraServe__MaxNumSeqs.");
        foreach (var option in settings.Values) root.Add(option);
        root.Add(CreateHealth());
        root.Add(MergeCommand.Create());
        root.Add(KeysCommand.Create());
        root.Add(VerifyDataCommand.Create());
        root.Add(TrainCommand.Create());
        root.Add(EvaluateCommand.Create());
        root.Add(RankCommand.Create());
        root.SetAction((result, _) => serve(settings
            .Where(setting => result.GetResult(setting.Value) is { Implicit: false })
            .ToDictionary(setting => setting.Key, setting => (string?)(result.GetValue(setting.Value) ?? bool.TrueString))));
        return root;
    }

    private static Command CreateHealth()
    {
        var urls = new Option<string?>("--urls")
        {
            Description = "Address of the server. Default: the one that a server started here would listen on.",
            HelpName = "URL",
        };
        var command = new Command("health", "Asks a running server whether it is ready; the exit code is 0 when it is, else 1.") { urls };
        command.SetAction((result, cancellation) => HealthProbe.RunAsync(
            result.GetValue(urls) ?? ListenAddresses.Of(ServerConfiguration.Read()), cancellation));
        return command;
    }

    private static string Describe(PropertyInfo property)
    {
        var text = property.GetCustomAttribute<DescriptionAttribute>()!.Description;
        return property.GetValue(new LoraServeOptions()) is { } byDefault ? $"{text} Default: {byDefault}." : text;
    }

    private static async Task<int> FailAsync(string reason)
    {
        await Console.Error.WriteLineAsync($"LoraServe cannot start:\n  {reason}");
        return 1;
    }
}
