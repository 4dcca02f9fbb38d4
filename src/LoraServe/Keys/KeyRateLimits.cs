using System.Collections.Concurrent;
using System.Threading.RateLimiting;
using LoraServe.Hosting;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.RateLimiting;

namespace LoraServe.Keys;

/// <summary>
/// The limits of keys on requests and tokens. Every request of a key counts, save those that need no key. Answers tell what is left in
/// OpenAI's headers.
/// </summary>
internal sealed class KeyRateLimits : IAsyncDisposable
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private const int Segments = 60;

    private readonly PartitionedRateLimiter<Caller> _perMinute = PartitionedRateLimiter.Create<Caller, string>(caller =>
        caller.Limits.RequestsPerMinute is { } limit
            ? RateLimitPartition.GetSlidingWindowLimiter(caller.Id, _ => new SlidingWindowRateLimiterOptions
            {
                PermitLimit = limit,
                Window = Minute,
                SegmentsPerWindow = Segments,
            })
            : RateLimitPartition.GetNoLimiter(""));

    private readonly PartitionedRateLimiter<Caller> _concurrent = PartitionedRateLimiter.Create<Caller, string>(caller =>
        caller.Limits.ConcurrentRequests is { } limit
            ? RateLimitPartition.GetConcurrencyLimiter(caller.Id, _ => new ConcurrencyLimiterOptions { PermitLimit = limit })
            : RateLimitPartition.GetNoLimiter(""));

    private readonly ConcurrentDictionary<string, TokenWindow> _tokens = new(StringComparer.Ordinal);
    private readonly TimeProvider _time;

    public KeyRateLimits(TimeProvider time)
    {
        _time = time;
        // In this order, so that one that has to wait for another does not count against the minute.
        Requests = PartitionedRateLimiter.CreateChained(_concurrent, _perMinute)
            .WithTranslatedKey<HttpContext>(LimitedCaller, leaveOpen: false);
    }

    /// <summary>Requests of a key within a minute and at the same time.</summary>
    public PartitionedRateLimiter<HttpContext> Requests { get; }

    /// <summary>Refuses a caller that has no tokens left, before anything is done for the request.</summary>
    /// <exception cref="QuotaExceededException">Nothing is left.</exception>
    public void CheckTokens(Caller caller)
    {
        if (Tokens(caller) is { Remaining: <= 0 } window) throw TooManyTokens(caller, window);
    }

    /// <summary>Holds back the most tokens that a request can use; null if the caller has no limit.</summary>
    /// <exception cref="QuotaExceededException">Nothing is left.</exception>
    public TokenWindow.Reservation? ReserveTokens(Caller caller, long most) => Tokens(caller) is { } window
        ? window.TryReserve(most) ?? throw TooManyTokens(caller, window)
        : null;

    /// <summary>Answers a request that one of <see cref="Requests"/> refused.</summary>
    public async ValueTask RefuseAsync(OnRejectedContext context)
    {
        var caller = context.HttpContext.User.Caller();
        var wait = context.Lease.TryGetMetadata(MetadataName.RetryAfter, out var known) ? known : TimeSpan.FromSeconds(1);
        // The lease does not tell which of the two refused it, and a window not always when it opens again.
        var exception = caller.Limits.RequestsPerMinute is not null && _perMinute.GetStatistics(caller) is { CurrentAvailablePermits: 0 }
            ? new QuotaExceededException($"The API key '{caller.Name}' may make {caller.Limits.RequestsPerMinute} requests a minute.", wait, "requests")
            : new QuotaExceededException(
                $"The API key '{caller.Name}' may make {caller.Limits.ConcurrentRequests} requests at the same time.",
                wait,
                "concurrent_requests");
        await ErrorMapper.WriteAsync(context.HttpContext, exception);
    }

    /// <summary>Tells in the answer's headers what is left.</summary>
    public Task TellAsync(HttpContext context, RequestDelegate next)
    {
        // Found out now: an error takes the request off its route.
        var caller = LimitedCaller(context);
        if (caller.Limits is { RequestsPerMinute: not null } or { TokensPerMinute: not null })
        {
            context.Response.OnStarting(() =>
            {
                Tell(caller, context.Response.Headers);
                return Task.CompletedTask;
            });
        }

        return next(context);
    }

    public async ValueTask DisposeAsync()
    {
        await Requests.DisposeAsync();
        await _perMinute.DisposeAsync();
        await _concurrent.DisposeAsync();
    }

    private static Caller LimitedCaller(HttpContext context) =>
        context.GetEndpoint() is not { } endpoint || endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null
            ? Caller.Nobody
            : context.User.Caller();

    private TokenWindow? Tokens(Caller caller) => caller.Limits.TokensPerMinute is { } limit
        ? _tokens.GetOrAdd(caller.Id, static (_, state) => new TokenWindow(state.limit, state._time), (limit, _time))
        : null;

    private static QuotaExceededException TooManyTokens(Caller caller, TokenWindow window) => new(
        $"The API key '{caller.Name}' may read and write {caller.Limits.TokensPerMinute} tokens a minute, and those of running requests, "
            + "prompt and max_tokens together, are held back until they end.",
        window.RetryAfter,
        "tokens");

    private void Tell(Caller caller, IHeaderDictionary headers)
    {
        if (caller.Limits.RequestsPerMinute is { } requests)
        {
            var left = _perMinute.GetStatistics(caller)?.CurrentAvailablePermits ?? requests;
            Write("requests", requests, left, left == requests ? TimeSpan.Zero : Minute);
        }

        if (Tokens(caller) is { } window) Write("tokens", caller.Limits.TokensPerMinute!.Value, Math.Max(0, window.Remaining), window.Reset);

        void Write(string what, long limit, long remaining, TimeSpan reset)
        {
            headers[$"x-ratelimit-limit-{what}"] = $"{limit}";
            headers[$"x-ratelimit-remaining-{what}"] = $"{remaining}";
            headers[$"x-ratelimit-reset-{what}"] = $"{reset.TotalSeconds}s";
        }
    }
}
