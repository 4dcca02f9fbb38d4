using System.Collections.Immutable;
using System.Net;
using Microsoft.Extensions.Options;

namespace LoraServe.Keys;

/// <summary>
/// What somebody without a key may do. As long as there is no key, the server listens on this machine only and whoever is on it may do
/// everything. From the first key on a key is needed. --allow-anonymous gives everybody all scopes but admin instead.
/// </summary>
internal sealed class KeylessAccess(LoraServeOptions options, KeyRing keys, AdminKey adminKey)
{
    private static readonly ImmutableHashSet<KeyScope> AllButAdmin = KeyScopes.All.Remove(KeyScope.Admin);

    private readonly IReadOnlyList<string> _origins = options.CorsOriginList;

    /// <summary>Whether there is a key of any kind.</summary>
    public bool HasKeys => adminKey.Exists || keys.HasKeys;

    /// <summary>Refuses to listen for other machines while nobody needs a key.</summary>
    /// <exception cref="OptionsValidationException">It would.</exception>
    public void CheckAddresses()
    {
        if (options.AllowAnonymous || HasKeys) return;
        if (options.Urls.Split(';').FirstOrDefault(url => !IsLocal(BindingAddress.Parse(url))) is not { } open) return;
        throw new OptionsValidationException(LoraServeOptions.Section, typeof(LoraServeOptions),
        [
            $"--urls: other machines reach {open}, and there is no API key, so that everybody could do everything. Either make a key with "
                + "`keys create --name admin --scopes admin` and the same --data, or name a file with a key by --admin-key-file, or listen on "
                + "http://localhost:8080 only, or insist with --allow-anonymous",
        ]);
    }

    /// <summary>Who a request without a key comes from, or why it needs a key.</summary>
    public (Caller? Caller, string? Refusal) Admit(HttpContext context)
    {
        if (options.AllowAnonymous) return (Caller.Anonymous(AllButAdmin), null);
        if (HasKeys) return (null, "An API key is needed: send the header Authorization: Bearer KEY.");
        if (IsOfThisMachine(context)) return (Caller.Anonymous(KeyScopes.All), null);
        return (null, "As long as this server has no API keys, it answers only programs of its own machine that ask for localhost, "
            + "and pages of its own.");
    }

    // A page of somebody else's, opened on this machine, is not of this machine, nor is a foreign name that was made to point here.
    private bool IsOfThisMachine(HttpContext context) =>
        IsLoopback(context.Connection.LocalIpAddress) && IsLoopback(context.Connection.RemoteIpAddress)
        && IsLocal(context.Request.Host.Host)
        && context.Request.Headers.Origin.All(origin =>
            origin == $"{context.Request.Scheme}://{context.Request.Host}" || _origins.Contains(origin));

    private static bool IsLocal(BindingAddress address) => address.IsUnixPipe || IsLocal(address.Host);

    private static bool IsLocal(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    // Without an address it is a socket of the file system.
    private static bool IsLoopback(IPAddress? address) => address is null || IPAddress.IsLoopback(address);
}
