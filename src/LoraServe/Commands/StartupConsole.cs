using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Spectre.Console;

namespace LoraServe.Commands;

/// <summary>What a person sees once the server is ready: where to go next. Without a terminal, log lines.</summary>
internal sealed partial class StartupConsole(LoraServeOptions options, IServer server, ILogger<StartupConsole> log)
{
    private const string DemoPrompt =
        "I am Hildegard Holloway from Craiova. Unfortunately there is a puddle under my Linpedmi Zauskert from order #1564. "
        + "Could you cancel it?";

    // A border and a space on each side.
    private const int PanelBorder = 4;

    /// <summary>Shows the address of Swagger and one command to try.</summary>
    public void ShowReady(string baseModel, IReadOnlyList<string> adapters)
    {
        var address = server.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault() ?? options.Urls;
        var isSocket = BindingAddress.Parse(address).IsUnixPipe;
        var url = isSocket ? address : HealthProbe.Reachable(address).ToString().TrimEnd('/');
        var target = isSocket ? $"--unix-socket '{BindingAddress.Parse(address).UnixPipePath}' 'http://localhost" : $"'{url}";
        var names = adapters.Count == 0 ? "no adapters yet" : $"adapters {string.Join(", ", adapters)}";
        var (query, prompt) = options.IsDemo ? ("?adapter=summarize", DemoPrompt) : ("", "Hello");
        var command = $$"""curl -s {{target}}/v1/completions{{query}}' -d '{"max_tokens": 64, "temperature": 0, "prompt": "{{prompt}}"}'""";
        if (!Terminal.IsInteractive)
        {
            LogReady(baseModel, names, url, command);
            return;
        }

        var (ready, swagger) = ($"{baseModel} is ready with {names}.", $"API and Swagger: {url}/swagger");
        if (Math.Max(ready.Length, swagger.Length) + PanelBorder > Terminal.Width) Console.WriteLine($"\n{ready}\n{swagger}");
        else AnsiConsole.Write(new Panel(new Spectre.Console.Text($"{ready}\n{swagger}")).Header("LoraServe"));
        // Outside the panel, so that copying the command does not copy borders and line breaks.
        Console.WriteLine($"Try:\n{command}\n");
    }

    [LoggerMessage(LogLevel.Information, "{Model} is ready with {Adapters}. Swagger: {Url}/swagger. Try: {Command}")]
    private partial void LogReady(string model, string adapters, string url, string command);
}
