using LoraServe.Keys;

namespace LoraServe.Tests.Keys;

public class TokenWindowTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void TryReserve_WhileAnythingIsLeft_LetsOneIn()
    {
        var window = new TokenWindow(100, _time);

        window.TryReserve(99).ShouldNotBeNull();
        window.TryReserve(1000).ShouldNotBeNull();
        window.TryReserve(1).ShouldBeNull();
        window.Remaining.ShouldBe(-999);
    }

    [Fact]
    public void Settle_LessThanReserved_GivesTheRestBack()
    {
        var window = new TokenWindow(100, _time);
        var reservation = window.TryReserve(100)!;

        reservation.Settle(30);
        reservation.Settle(70);
        reservation.Dispose();

        window.Remaining.ShouldBe(70);
    }

    [Fact]
    public void Remaining_AMinuteLater_IsWholeAgain()
    {
        var window = new TokenWindow(100, _time);
        window.TryReserve(40)!.Settle(40);
        _time.Advance(TimeSpan.FromSeconds(30));
        window.TryReserve(60)!.Settle(60);

        (window.Remaining, window.RetryAfter, window.Reset).ShouldBe((0, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(60)));
        _time.Advance(TimeSpan.FromSeconds(29));
        window.Remaining.ShouldBe(0);
        _time.Advance(TimeSpan.FromSeconds(1));
        (window.Remaining, window.Reset).ShouldBe((40, TimeSpan.FromSeconds(30)));
        _time.Advance(TimeSpan.FromSeconds(30));
        (window.Remaining, window.Reset).ShouldBe((100, TimeSpan.Zero));
        _time.Advance(TimeSpan.FromDays(1));
        window.Remaining.ShouldBe(100);
    }

    [Fact]
    public void RetryAfter_OnlyReservations_IsASecond()
    {
        var window = new TokenWindow(10, _time);
        window.TryReserve(10);

        (window.RetryAfter, window.Reset).ShouldBe((TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void RetryAfter_ReservationsBesideWhatWasUsed_IsASecond()
    {
        var window = new TokenWindow(100, _time);
        window.TryReserve(50)!.Settle(50);
        window.TryReserve(100);

        (window.Remaining, window.RetryAfter, window.Reset).ShouldBe((-50, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public async Task TryReserve_InParallel_ExceedsTheLimitByLessThanOneRequest()
    {
        const int most = 7;
        var window = new TokenWindow(1000, _time);
        var used = 0;

        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => Task.Run(() =>
        {
            if (window.TryReserve(most) is not { } reservation) return;
            Interlocked.Add(ref used, most);
            reservation.Settle(most);
        })));

        used.ShouldBeInRange(1000, 1000 + most - 1);
    }
}
