using LoraServe.Api.Requests;
using LoraServe.Commands;
using LoraServe.Keys;
using Serilog;
using Serilog.Configuration;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Formatting.Compact;
using Serilog.Formatting.Display;

namespace LoraServe.Hosting;

/// <summary>The log on standard output: text lines for people, or compact JSON for log collectors.</summary>
internal static class ServerLog
{
    private const string Lines = "{Timestamp:HH:mm:ss} {Level:u3} {Message:lj} {RequestId}{NewLine}{Exception}";

    public static void Configure(IServiceProvider provider, LoggerConfiguration log)
    {
        log.MinimumLevel.Override("Microsoft.AspNetCore", LogEventLevel.Warning)
            // Each request's own line already covers refusals.
            .MinimumLevel.Override(typeof(ApiKeyHandler).FullName!, LogEventLevel.Warning)
            // Its scope would replace our request id by the connection's.
            .MinimumLevel.Override("Microsoft.AspNetCore.Hosting.Diagnostics", LevelAlias.Off)
            // Faults at start are written for a person, without stack traces.
            .MinimumLevel.Override("Microsoft.Extensions.Hosting.Internal.Host", LogEventLevel.Fatal)
            .ReadFrom.Configuration(provider.GetRequiredService<IConfiguration>())
            .Enrich.FromLogContext()
            .Enrich.With<ControlCharacters>();
        ITextFormatter format = IsJson(provider.GetRequiredService<LoraServeOptions>().LogFormat)
            ? new RenderedCompactJsonFormatter()
            : new MessageTemplateTextFormatter(Lines);
        log.WriteTo.Sink(LoggerSinkConfiguration.Wrap(sink => new LogWithoutValues(sink), console =>
        {
            if (Terminal.IsInteractive) console.Sink(new TerminalSink(format));
            else console.Console(format);
        }));
    }

    private static bool IsJson(string format) => format switch
    {
        "json" => true,
        "text" => false,
        // Set by Microsoft's .NET container images.
        _ => Environment.GetEnvironmentVariable("DOTNET_RUNNING_IN_CONTAINER") == "true",
    };
}
