using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace LoraServe.Hosting;

/// <summary>Limits on slow clients.</summary>
internal static class ConnectionRules
{
    private static readonly TimeSpan HeadersTime = TimeSpan.FromSeconds(15);

    // Ends connections whose request body trickles, or whose client does not read. A stream that is silent for a while is not ended: only
    // data waiting to be read counts.
    private static readonly MinDataRate SlowestTransfer = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));

    public static void Apply(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.RequestHeadersTimeout = HeadersTime;
        kestrel.Limits.MinRequestBodyDataRate = SlowestTransfer;
        kestrel.Limits.MinResponseDataRate = SlowestTransfer;
    }
}
