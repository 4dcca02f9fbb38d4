using System.Net;
using LoraServe.Api.Requests;

namespace LoraServe.Hosting;

/// <summary>
/// Where the server listens: --urls, else the web server's own settings in its own order (Kestrel:Endpoints, ASPNETCORE_URLS, ports),
/// else the default.
/// </summary>
internal static partial class ListenAddresses
{
    private const string OwnSetting = $"{LoraServeOptions.Section}:{nameof(LoraServeOptions.Urls)}";
    private const string Endpoints = "Kestrel:Endpoints";

    private static readonly (string Setting, string Scheme)[] Ports =
        [(WebHostDefaults.HttpPortsKey, "http"), (WebHostDefaults.HttpsPortsKey, "https")];

    /// <summary>Addresses, separated by semicolons.</summary>
    public static string Of(IConfiguration configuration) =>
        Own(configuration)
        ?? Joined(EndpointUrls(configuration))
        ?? NotEmpty(configuration[WebHostDefaults.ServerUrlsKey])
        ?? Joined(Ports.SelectMany(ports => PortsOf(configuration, ports.Setting).Select(port => $"{ports.Scheme}://*:{port}")))
        ?? new LoraServeOptions().Urls;

    /// <summary>What is wrong with the web server's own settings, if they apply.</summary>
    public static IEnumerable<string> Faults(IConfiguration configuration)
    {
        var endpoints = EndpointUrls(configuration);
        if (Own(configuration) is not null)
        {
            if (endpoints.Count > 0)
                yield return $"--urls (or LoraServe__Urls) and {Endpoints} both say where to listen: leave one of them out; an empty LoraServe__Urls counts as left out";
            yield break;
        }

        var rule = new ListenAddressesAttribute();
        foreach (var url in endpoints)
        {
            if (rule.Fault(url) is { } fault) yield return $"{Endpoints}: {fault}";
        }

        if (endpoints.Count > 0) yield break;
        if (NotEmpty(configuration[WebHostDefaults.ServerUrlsKey]) is { } urls)
        {
            if (rule.Fault(urls) is { } fault) yield return $"ASPNETCORE_URLS (or DOTNET_URLS): {fault}";
            yield break;
        }

        foreach (var (setting, _) in Ports)
        {
            foreach (var port in PortsOf(configuration, setting).Where(port => !ushort.TryParse(port, out _)))
                yield return $"ASPNETCORE_{setting.ToUpperInvariant()}: expected ports from 0 to {IPEndPoint.MaxPort} with semicolons between them, found '{port}'";
        }
    }

    /// <summary>Makes the web server listen there, and logs the settings it ignores.</summary>
    public static void Apply(WebApplication app, string urls)
    {
        if (Own(app.Configuration) is not null && NotEmpty(app.Configuration[WebHostDefaults.ServerUrlsKey]) is { } other && other != urls)
            LogPassedOver(app.Logger, other, urls);
        // Given two settings the web server uses one and warns about the other at every start.
        app.Configuration[WebHostDefaults.ServerUrlsKey] = EndpointUrls(app.Configuration).Count > 0 ? null : urls;
        foreach (var (setting, _) in Ports) app.Configuration[setting] = null;
    }

    private static string? Own(IConfiguration configuration) => NotEmpty(configuration[OwnSetting]);

    private static IReadOnlyList<string> EndpointUrls(IConfiguration configuration) =>
        [.. configuration.GetSection(Endpoints).GetChildren().Select(endpoint => endpoint["Url"] ?? "")];

    private static string[] PortsOf(IConfiguration configuration, string setting) =>
        (configuration[setting] ?? "").Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static string? Joined(IEnumerable<string> urls) => NotEmpty(string.Join(';', urls));

    private static string? NotEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    [LoggerMessage(LogLevel.Warning, "ASPNETCORE_URLS (or DOTNET_URLS) says {Other}; --urls (or LoraServe__Urls) is stronger: {Urls}")]
    private static partial void LogPassedOver(ILogger log, string other, string urls);
}
