using System.Collections.Immutable;
using System.Net;
using Microsoft.Extensions.Options;

namespace LoraServe.Keys;

/// <summary>
/// What a caller without a key may do. As long as there are no keys, the server listens on this machine only and callers on it may do
/// everything but manage keys and read the audit log, since a proxy on this machine looks like them. After the first key, a key is required.
/// --allow-anonymous gives everyone all scopes but admin instead.
/// </summary>
internal sealed class KeylessAccess(LoraServeOptions options, KeyRing keys, AdminKey adminKey)
{
    private static readonly ImmutableHashSet<KeyScope> AllButAdmin = KeyScopes.All.Remove(KeyScope.Admin);

    // Headers that proxies add. Behind a proxy, everyone seems to be on this machine.
    private static readonly string[] ProxyHeaders =
        ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Prefix", "X-Forwarded-Proto", "X-Real-IP"];

    private readonly IReadOnlyList<string> _origins = options.CorsOriginList;

    /// <summary>Whether any key exists, of any kind.</summary>
    public bool HasKeys => adminKey.Exists || keys.HasKeys;

    /// <summary>Refuses to listen for other machines while no key is required.</summary>
    /// <param name="configuration">May name endpoints of the web server, which it listens on in place of --urls.</param>
    /// <exception cref="OptionsValidationException">It would.</exception>
    public void CheckAddresses(IConfiguration configuration)
    {
        if (options.AllowAnonymous || HasKeys) return;
        var endpoints = configuration.GetSection("Kestrel:Endpoints").GetChildren().Select(endpoint => endpoint["Url"] ?? "");
        if (options.Urls.Split(';').Concat(endpoints).FirstOrDefault(url => !IsLocalAddress(url)) is not { } open) return;
        throw new OptionsValidationException(LoraServeOptions.Section, typeof(LoraServeOptions),
        [
            $"--urls: other machines reach {open}, and there is no API key, so that everybody could do everything. Either make a key with "
                + "`keys create --name admin --scopes admin` and the same --data, or name a file with a key by --admin-key-file, or listen on "
                + "http://localhost:8080 only, or insist with --allow-anonymous",
        ]);
    }

    /// <summary>The caller of a request without a key, or why it needs one.</summary>
    public (Caller? Caller, string? Refusal) Admit(HttpContext context)
    {
        if (!options.AllowAnonymous && HasKeys) return (null, "An API key is needed: send the header Authorization: Bearer KEY.");
        if (IsOfForeignPage(context.Request))
            return (null, "A page of another site needs an API key, or has to be of an origin that --cors-origins names.");
        if (options.AllowAnonymous) return (Caller.Anonymous(AllButAdmin), null);
        if (ProxyHeaders.FirstOrDefault(context.Request.Headers.ContainsKey) is { } header)
            return (null, $"A proxy sent this request (it has the header {header}), so its origin is unknown: create an API key.");
        // Proxies that speak HTTP/1.0 add no header by themselves.
        if (HttpProtocol.IsHttp10(context.Request.Protocol) || HttpProtocol.IsHttp09(context.Request.Protocol))
            return (null, $"A proxy may have sent this request (it is one of {context.Request.Protocol}): make an API key, or send HTTP/1.1.");
        if (IsOfThisMachine(context)) return (Caller.Anonymous(KeyScopes.All), null);
        return (null, "As long as this server has no API keys, it answers only programs of its own machine that ask for localhost, "
            + "and pages of its own.");
    }

    // Browsers send what any page asks for, and reach servers that no one else can. Behind a proxy that ends TLS, our own page is an https one.
    private bool IsOfForeignPage(HttpRequest request)
    {
        var origins = request.Headers.Origin;
        return origins.Count > 0
            ? !origins.All(origin => origin == $"http://{request.Host}" || origin == $"https://{request.Host}" || _origins.Contains(origin))
            : request.Headers["Sec-Fetch-Site"] == "cross-site";
    }

    // A foreign host name made to point here (DNS rebinding) is not this machine.
    private static bool IsOfThisMachine(HttpContext context) =>
        IsLoopback(context.Connection.LocalIpAddress) && IsLoopback(context.Connection.RemoteIpAddress)
        && IsLocal(context.Request.Host.Host);

    private static bool IsLocalAddress(string url)
    {
        try
        {
            return IsLocal(BindingAddress.Parse(url));
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static bool IsLocal(BindingAddress address) => address.IsUnixPipe || IsLocal(address.Host);

    private static bool IsLocal(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    // Without an address it is a Unix domain socket.
    private static bool IsLoopback(IPAddress? address) => address is null || IPAddress.IsLoopback(address);
}
