using System.Threading.RateLimiting;

namespace LoraServe.Keys;

/// <summary>
/// What a request holds of its key's limits while it generates: places for its sequences, and tokens. Disposing it gives back what it did
/// not use; a second call does nothing.
/// </summary>
/// <param name="sequences">The places; null without a limit.</param>
internal sealed class KeyAllowance(RateLimitLease? sequences) : IDisposable
{
    /// <summary>The tokens held; null without a limit, and before they are known.</summary>
    public TokenWindow.Reservation? Tokens { get; set; }

    /// <summary>Charges the tokens used, and gives the places back.</summary>
    public void Settle(long used)
    {
        Tokens?.Settle(used);
        Dispose();
    }

    public void Dispose()
    {
        Tokens?.Dispose();
        sequences?.Dispose();
    }
}
