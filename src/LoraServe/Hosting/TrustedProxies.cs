using System.Net;

namespace LoraServe.Hosting;

/// <summary>The machines whose word about the client's request counts.</summary>
internal sealed class TrustedProxies(IReadOnlyList<IPNetwork> networks)
{
    private const string Loopback = "loopback", None = "none";

    private static readonly IPNetwork[] OwnMachine = [IPNetwork.Parse("127.0.0.0/8"), IPNetwork.Parse("::1/128")];

    /// <summary>Reads addresses and networks, "loopback" and "none", separated by semicolons; null where one is none of these.</summary>
    public static TrustedProxies? TryParse(string text)
    {
        var networks = text.Split(';', StringSplitOptions.TrimEntries).Select(Networks).ToList();
        return networks.Contains(null) ? null : new TrustedProxies([.. networks.SelectMany(some => some!)]);
    }

    /// <summary>Whether a request that comes from this address is one of theirs. Without an address it came by a socket of the file system.</summary>
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
