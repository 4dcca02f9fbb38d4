using System.Threading.RateLimiting;
using LoraServe.Keys;

namespace LoraServe.Tests.Keys;

public sealed class RequestWindowTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly RequestWindow _window;

    public RequestWindowTests() => _window = new RequestWindow(3, _time);

    public void Dispose() => _window.Dispose();

    [Fact]
    public void Acquire_LimitIsReached_TellsWhenThereIsRoomAgain()
    {
        Take().ShouldBeNull();
        _time.Advance(TimeSpan.FromSeconds(20));
        Take().ShouldBeNull();
        Take().ShouldBeNull();
        _time.Advance(TimeSpan.FromSeconds(15));

        Take().ShouldBe(TimeSpan.FromSeconds(25));
        _window.State.ShouldBe((0, TimeSpan.FromSeconds(45)));
        _time.Advance(TimeSpan.FromSeconds(25) - TimeSpan.FromTicks(1));
        Take().ShouldBe(TimeSpan.FromTicks(1));
        _time.Advance(TimeSpan.FromTicks(1));
        Take().ShouldBeNull();
        Take().ShouldBe(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void State_AMinuteAfterTheLast_IsWholeAndIdle()
    {
        Take();
        _window.IdleDuration.ShouldBeNull();

        _time.Advance(TimeSpan.FromMinutes(1));

        _window.State.ShouldBe((3, TimeSpan.Zero));
        _window.IdleDuration.ShouldNotBeNull();
    }

    [Fact]
    public void Acquire_AtRandomTimes_NeverLetsInMoreThanTheLimitWithinAMinute()
    {
        var random = new Random(1);
        using var window = new RequestWindow(50, _time);
        var taken = new List<DateTimeOffset>();
        for (var i = 0; i < 5000; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(random.Next(300)));
            if (window.AttemptAcquire().IsAcquired) taken.Add(_time.GetUtcNow());
        }

        taken.Count.ShouldBeGreaterThan(400);
        Enumerable.Range(50, taken.Count - 50).ShouldAllBe(i => taken[i] - taken[i - 50] >= TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Acquire_InParallel_LetsInTheLimit()
    {
        using var window = new RequestWindow(50, _time);

        var taken = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => Task.Run(() => window.AttemptAcquire().IsAcquired)));

        taken.Count(isTaken => isTaken).ShouldBe(50);
    }

    private TimeSpan? Take()
    {
        using var lease = _window.AttemptAcquire();
        return lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : lease.IsAcquired ? null : TimeSpan.MinValue;
    }
}
