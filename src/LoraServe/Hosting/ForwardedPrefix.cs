using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder.Extensions;

namespace LoraServe.Hosting;

/// <summary>
/// The path prefix under which clients reach the server: --path-base, which a proxy leaves in forwarded paths, or X-Forwarded-Prefix, which
/// a proxy in --trusted-proxies has stripped from them. Links and redirects include it.
/// </summary>
internal static partial class ForwardedPrefix
{
    private const string Header = "X-Forwarded-Prefix";
    private const int MaxLength = 256;

    /// <summary>Comes before anything that reads paths.</summary>
    public static WebApplication UseForwardedPrefix(this WebApplication app)
    {
        var options = app.Services.GetRequiredService<LoraServeOptions>();
        var proxies = TrustedProxies.TryParse(options.TrustedProxies)!;
        // UsePathBase would select the route right away.
        if (options.PathBase is { } own) ((IApplicationBuilder)app).Use(next => new UsePathBaseMiddleware(next, own).Invoke);
        app.Use((context, next) =>
        {
            if (Of(context, proxies) is { } prefix) context.Request.PathBase = prefix + context.Request.PathBase;
            return next(context);
        });
        return app;
    }

    /// <summary>Whether a text is a valid path prefix.</summary>
    public static bool IsPath(string text) => text.Length <= MaxLength && Path().IsMatch(text);

    private static PathString? Of(HttpContext context, TrustedProxies proxies)
    {
        if (context.Request.Headers[Header] is not [{ } sent] || !proxies.Include(context.Connection.RemoteIpAddress)) return null;
        var prefix = sent.Trim().TrimEnd('/');
        return IsPath(prefix) ? new PathString(prefix) : null;
    }

    [GeneratedRegex(@"\A(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+\z", RegexOptions.NonBacktracking)]
    private static partial Regex Path();
}
