using System.Collections.Concurrent;
using System.Threading.RateLimiting;
using LoraServe.Api;
using LoraServe.Api.Requests;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.RateLimiting;

namespace LoraServe.Keys;

/// <summary>
/// The limits of keys on requests and tokens. Every request of a key counts, except those that need none. Responses say what is left in
/// OpenAI's headers.
/// </summary>
internal sealed class KeyRateLimits : IAsyncDisposable
{
    private const int UnsaidShare = 4;

    private readonly PartitionedRateLimiter<Caller> _concurrent;
    private readonly PartitionedRateLimiter<Caller> _sequences;
    private readonly PartitionedRateLimiter<Caller> _perMinute;
    private readonly ConcurrentDictionary<string, RequestWindow> _requests = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, TokenWindow> _tokens = new(StringComparer.Ordinal);
    private readonly TimeProvider _time;
    private readonly int _share;

    public KeyRateLimits(LoraServeOptions options, TimeProvider time)
    {
        _time = time;
        // A key without its own limit leaves a quarter of the queue to the others, however much it sends.
        _share = Math.Max(options.MaxNumSeqs, options.MaxQueuedSeqs / 4 * 3);
        _concurrent = AtATime();
        // Counted apart: a request still being read must not block one that wants all choices at once, nor two such each other.
        _sequences = AtATime();
        _perMinute = PartitionedRateLimiter.Create<Caller, string>(caller => caller.Limits.RequestsPerMinute is { } limit
            ? RateLimitPartition.Get<string>(caller.Id, _ => Window(caller, limit))
            : RateLimitPartition.GetNoLimiter(""));
        // In this order, so that a request waiting for another does not count against the minute.
        Requests = PartitionedRateLimiter.CreateChained(_concurrent, _perMinute)
            .WithTranslatedKey<HttpContext>(LimitedCaller, leaveOpen: false);
    }

    /// <summary>Requests of a key within a minute and at the same time, each counted as one.</summary>
    public PartitionedRateLimiter<HttpContext> Requests { get; }

    /// <summary>
    /// Takes places for all sequences of a request, or for none, before any work is done for it; the limit holds for requests and for sequences
    /// at the same time.
    /// </summary>
    /// <param name="caller">Whose limits they are.</param>
    /// <param name="sequences">At least one.</param>
    /// <exception cref="InvalidRequestException">The limit is lower than the sequences of this request.</exception>
    /// <exception cref="QuotaExceededException">No tokens are left, or too few places.</exception>
    public KeyAllowance Admit(Caller caller, long sequences)
    {
        if (Tokens(caller) is { Remaining: <= 0 } window) throw TooManyTokens(caller, window);
        if (Places(caller) is not { } limit) return new KeyAllowance(null);
        if (sequences > limit)
        {
            throw new InvalidRequestException(
                "n", $"the API key '{caller.Name}' may run {limit} choices at the same time, and this request asks for {sequences} in all");
        }

        var lease = _sequences.AttemptAcquire(caller, (int)sequences);
        if (lease.IsAcquired) return new KeyAllowance(lease);
        lease.Dispose();
        throw TooManyAtATime(caller);
    }

    /// <summary>
    /// The default of max_tokens for each choice of a request without one, so that all choices together hold no
    /// more than a quarter of the limit, rather than contexts that they seldom use; null if the caller has no limit.
    /// </summary>
    /// <param name="caller">Whose limit it is.</param>
    /// <param name="choices">How many choices the request has.</param>
    public int? MostUnsaid(Caller caller, long choices) => caller.Limits.TokensPerMinute is { } limit
        ? (int)Math.Clamp(limit / UnsaidShare / Math.Max(1, choices), 1, int.MaxValue)
        : null;

    /// <summary>Holds the most tokens that a request can use; null if the caller has no limit.</summary>
    /// <exception cref="InvalidRequestException">The request could use more than the limit, so waiting would not help.</exception>
    /// <exception cref="QuotaExceededException">Nothing is left.</exception>
    public TokenWindow.Reservation? ReserveTokens(Caller caller, long most)
    {
        if (Tokens(caller) is not { } window) return null;
        if (most > caller.Limits.TokensPerMinute)
        {
            throw new InvalidRequestException(
                "max_tokens",
                $"the API key '{caller.Name}' may read and write {caller.Limits.TokensPerMinute} tokens a minute, and this request may use "
                    + $"{most}, its prompts and max_tokens of every choice together: ask for less",
                "tokens_per_minute_exceeded");
        }

        return window.TryReserve(most) ?? throw TooManyTokens(caller, window);
    }

    /// <summary>Writes the response to a request that one of <see cref="Requests"/> refused.</summary>
    public async ValueTask RefuseAsync(OnRejectedContext context)
    {
        var caller = context.HttpContext.User.Caller();
        // Only the window knows when there is room again.
        var exception = context.Lease.TryGetMetadata(MetadataName.RetryAfter, out var wait)
            ? new QuotaExceededException($"The API key '{caller.Name}' may make {caller.Limits.RequestsPerMinute} requests a minute.", wait, "requests")
            : TooManyAtATime(caller);
        await ErrorMapper.WriteAsync(context.HttpContext, exception);
    }

    /// <summary>Writes what is left into the response headers.</summary>
    public Task TellAsync(HttpContext context, RequestDelegate next)
    {
        // Read now: an error takes the request off its route.
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
        await _sequences.DisposeAsync();
    }

    private static Caller LimitedCaller(HttpContext context) =>
        context.GetEndpoint() is not { } endpoint || endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null
            ? Caller.Nobody
            : context.User.Caller();

    private PartitionedRateLimiter<Caller> AtATime() => PartitionedRateLimiter.Create<Caller, string>(caller => Places(caller) is { } limit
        ? RateLimitPartition.GetConcurrencyLimiter(caller.Id, _ => new ConcurrencyLimiterOptions { PermitLimit = limit })
        : RateLimitPartition.GetNoLimiter(""));

    private RequestWindow Window(Caller caller, int limit) => _requests.GetOrAdd(caller.Id, _ => new RequestWindow(limit, _time));

    private TokenWindow? Tokens(Caller caller) => caller.Limits.TokensPerMinute is { } limit
        ? _tokens.GetOrAdd(caller.Id, static (_, state) => new TokenWindow(state.limit, state._time), (limit, _time))
        : null;

    private int? Places(Caller caller) => caller.IsAnonymous ? null : caller.Limits.ConcurrentRequests ?? _share;

    private QuotaExceededException TooManyAtATime(Caller caller) => new(
        $"The API key '{caller.Name}' may make {Places(caller)} requests at the same time, with as many choices in all.",
        TimeSpan.FromSeconds(1),
        "concurrent_requests");

    private static QuotaExceededException TooManyTokens(Caller caller, TokenWindow window) => new(
        $"The API key '{caller.Name}' may read and write {caller.Limits.TokensPerMinute} tokens a minute, and those of running requests, "
            + "prompt and max_tokens together, are held back until they end.",
        window.RetryAfter,
        "tokens");

    private void Tell(Caller caller, IHeaderDictionary headers)
    {
        if (caller.Limits.RequestsPerMinute is { } requests)
        {
            var (left, reset) = Window(caller, requests).State;
            Write("requests", requests, left, reset);
        }

        if (Tokens(caller) is { } window) Write("tokens", caller.Limits.TokensPerMinute!.Value, Math.Max(0, window.Remaining), window.Reset);

        void Write(string what, long limit, long remaining, TimeSpan reset)
        {
            headers[$"x-ratelimit-limit-{what}"] = $"{limit}";
            headers[$"x-ratelimit-remaining-{what}"] = $"{remaining}";
            headers[$"x-ratelimit-reset-{what}"] = $"{Math.Ceiling(reset.TotalSeconds)}s";
        }
    }
}
