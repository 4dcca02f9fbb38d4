using LoraServe.Engine.Generation;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Spectre.Console;

namespace LoraServe.Hosting;

/// <summary>What a person sees while the server starts: a bar while weights load, then where to go. Elsewhere, log lines.</summary>
internal sealed partial class StartupConsole(LoraServeOptions options, IServer server, ILogger<StartupConsole> log)
{
    private const string DemoPrompt =
        "I am Hildegard Holloway from Craiova. Unfortunately there is a puddle under my Linpedmi Zauskert from order #1564. "
        + "Could you cancel it?";

    private static bool IsInteractive => AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected;

    /// <summary>Runs the loading with a progress bar where there is a terminal.</summary>
    public LlmEngine ShowProgress(Func<IProgress<double>?, LlmEngine> load) => !IsInteractive
        ? load(null)
        : AnsiConsole.Progress().AutoClear(true).Start(context => load(new ProgressBar(context.AddTask("Loading weights"))));

    /// <summary>Says where Swagger is and gives one command to try.</summary>
    public void ShowReady(string baseModel, IReadOnlyList<string> adapters)
    {
        var address = server.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault() ?? options.Urls;
        var isSocket = BindingAddress.Parse(address).IsUnixPipe;
        var url = isSocket ? address : HealthProbe.Reachable(address).ToString().TrimEnd('/');
        var target = isSocket ? $"--unix-socket '{BindingAddress.Parse(address).UnixPipePath}' 'http://localhost" : $"'{url}";
        var names = adapters.Count == 0 ? "no adapters yet" : $"adapters {string.Join(", ", adapters)}";
        var (query, prompt) = options.IsDemo ? ("?adapter=summarize", DemoPrompt) : ("", "Hello");
        var command = $$"""curl -s {{target}}/v1/completions{{query}}' -d '{"max_tokens": 64, "temperature": 0, "prompt": "{{prompt}}"}'""";
        if (!IsInteractive)
        {
            LogReady(baseModel, names, url, command);
            return;
        }

        AnsiConsole.Write(new Panel(new Markup(
            $"[bold green]{Markup.Escape(baseModel)}[/] is ready with {Markup.Escape(names)}.\n" +
            $"API and Swagger: [link]{Markup.Escape(url)}/swagger[/]"))
            .Header("LoraServe"));
        // Outside the panel: a command is for copying, and borders and wrapped lines would be copied with it.
        Console.WriteLine($"Try:\n{command}\n");
    }

    [LoggerMessage(LogLevel.Information, "{Model} is ready with {Adapters}. Swagger: {Url}/swagger. Try: {Command}")]
    private partial void LogReady(string model, string adapters, string url, string command);

    private sealed class ProgressBar(ProgressTask task) : IProgress<double>
    {
        public void Report(double value) => task.Value = value * task.MaxValue;
    }
}
