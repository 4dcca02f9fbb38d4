using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace LoraServe.Hosting;

/// <summary>How slow a client may be.</summary>
internal static class ConnectionRules
{
    private static readonly TimeSpan HeadersTime = TimeSpan.FromSeconds(15);

    // A body that trickles, and a client that takes nothing of what is ready for it, are ended. An answer that has nothing to say for a
    // while is not: only what waits to be taken counts.
    private static readonly MinDataRate SlowestTransfer = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));

    public static void Apply(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.RequestHeadersTimeout = HeadersTime;
        kestrel.Limits.MinRequestBodyDataRate = SlowestTransfer;
        kestrel.Limits.MinResponseDataRate = SlowestTransfer;
    }
}
