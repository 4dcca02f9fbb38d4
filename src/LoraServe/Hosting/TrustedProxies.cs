using System.Net;

namespace LoraServe.Hosting;

/// <summary>The proxies whose forwarding headers are trusted.</summary>
internal sealed class TrustedProxies(IReadOnlyList<IPNetwork> networks)
{
    private const string Loopback = "loopback", None = "none";

    private static readonly IPNetwork[] OwnMachine = [IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("::1/128")];

    /// <summary>Reads addresses and networks, "loopback" and "none", separated by semicolons; null if an entry is none of these.</summary>
    public static TrustedProxies? TryParse(string text)
    {
        var networks = text.Split(';', StringSplitOptions.TrimEntries).Select(Networks).ToList();
        return networks.Contains(null) ? null : new TrustedProxies([.. networks.SelectMany(some => some!)]);
    }

    /// <summary>Whether a request from this address comes from a trusted proxy. A request without an address came through a Unix socket.</summary>
    public bool Include(IPAddress? address)
    {
        if (address is null) return networks.Count > 0;
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return networks.Any(network => network.Contains(plain));
    }

    private static IPNetwork[]? Networks(string text) => text switch
    {
        Loopback => OwnMachine,
        None => [],
        _ when IPAddress.TryParse(text, out var address) => [new IPNetwork(address, address.GetAddressBytes().Length * 8)],
        _ when IPNetwork.TryParse(text, out var network) => [network],
        _ => null,
    };
}
