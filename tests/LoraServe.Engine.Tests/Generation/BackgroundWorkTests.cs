using LoraServe.Engine.Generation;
using LoraServe.Tests;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Generation;

public sealed class BackgroundWorkTests
{
    private readonly ManualTime _time = new();
    private readonly TaskCompletionSource _done = new();
    private double _worked;

    [Theory]
    [InlineData(0.2, 30, 10, 10)]
    [InlineData(0.2, 30, 2, 3)]
    [InlineData(0.2, 5, 100, 100)]
    [InlineData(0.5, 20, 7, 90)]
    [InlineData(0.9, 20, 7, 9)]
    [InlineData(0.05, 40, 15, 25)]
    public void Advance_WhileRequestsWait_TakesItsShareAndNoMore(double share, int step, int shortest, int longest)
    {
        var random = new Random(1);
        var work = Endless(share, () => random.Next(shortest, longest + 1));

        var served = Serve(work, steps: 5000, step);

        (_worked / (_worked + served)).ShouldBe(share, 0.01);
    }

    [Fact]
    public void Advance_ShareOfZero_WaitsUntilNobodyElseDoes()
    {
        var work = Endless(share: 0, () => 10);
        Serve(work, steps: 100, step: 30);
        _worked.ShouldBe(0);

        work.Advance(requestsWait: false);

        _worked.ShouldBe(10);
    }

    [Fact]
    public void Advance_ShareOfItsOwn_GoesOnWhereOthersStandStill()
    {
        var (work, left) = (new BackgroundWork(share: 0, _time), 100);
        work.Add(new TestWork(() => throw new InvalidOperationException("ran")), new TaskCompletionSource(), CancellationToken.None);
        work.Add(
            new TestWork(() =>
            {
                _time.Pass(10);
                return --left > 0;
            }),
            _done,
            CancellationToken.None,
            leastShare: 0.05);

        // A step of 19 ms earns 1.
        Serve(work, steps: 900, step: 19);
        left.ShouldBeInRange(9, 11);
        Serve(work, steps: 900, step: 19);

        _done.Task.IsCompletedSuccessfully.ShouldBeTrue();
        work.HasWork.ShouldBeTrue();
    }

    [Fact]
    public void Advance_ShareOfOne_LetsRequestsGoOn()
    {
        var work = Endless(share: 1, () => 10);

        var served = Serve(work, steps: 100, step: 30);

        (_worked / (_worked + served)).ShouldBe(0.99, 0.001);
    }

    [Fact]
    public void Advance_NobodyWaits_WorksBackToBackAndSavesNothingUp()
    {
        var work = Endless(share: 0.2, () => 10);
        for (var i = 0; i < 50; i++) work.Advance(requestsWait: false);
        _worked.ShouldBe(500);

        // The first request of a lull finds nothing before it.
        work.IsDue(requestsWait: true).ShouldBeFalse();
        work.Advance(requestsWait: true);

        _worked.ShouldBe(500);
    }

    [Fact]
    public void Served_StepsWithoutWork_SaveNothingUp()
    {
        var work = new BackgroundWork(0.2, _time);
        for (var i = 0; i < 1000; i++) work.Served(TimeSpan.FromMilliseconds(40));
        Add(work, () => 4);

        while (work.IsDue(requestsWait: true)) work.Advance(requestsWait: true);

        // What the last step earned: a quarter of it.
        _worked.ShouldBe(12);
    }

    [Fact]
    public void Advance_LongSlice_IsPaidByTheStepsAfterIt()
    {
        var work = Endless(share: 0.2, () => 1000);
        work.Served(TimeSpan.FromMilliseconds(40));
        work.Advance(requestsWait: true);

        // 990 ms are owed, and a step earns 10.
        for (var i = 0; i < 99; i++)
        {
            work.Served(TimeSpan.FromMilliseconds(40));
            work.IsDue(requestsWait: true).ShouldBeFalse();
        }

        work.Served(TimeSpan.FromMilliseconds(40));
        work.IsDue(requestsWait: true).ShouldBeTrue();
    }

    [Fact]
    public void Advance_LongSlice_IsPaidByTimeInWhichNobodyWaitsToo()
    {
        var slice = 1000;
        var work = Endless(share: 0.2, () => slice);
        work.Served(TimeSpan.FromMilliseconds(40));
        work.Advance(requestsWait: true);
        slice = 10;
        for (var i = 0; i < 99; i++) work.Advance(requestsWait: false);

        work.Served(TimeSpan.FromMilliseconds(40));

        work.IsDue(requestsWait: true).ShouldBeTrue();
    }

    [Fact]
    public async Task Advance_SeveralPieces_RunsOneAfterTheOther()
    {
        var work = new BackgroundWork(0.2, _time);
        var order = new List<char>();
        var tasks = "ab".Select(name =>
        {
            var (left, done) = (3, new TaskCompletionSource());
            work.Add(new TestWork(() => { order.Add(name); return --left > 0; }), done, CancellationToken.None);
            return done.Task;
        }).ToList();

        while (work.HasWork) work.Advance(requestsWait: false);

        await Task.WhenAll(tasks);
        string.Concat(order).ShouldBe("aaabbb");
    }

    [Fact]
    public async Task Advance_SliceThatThrows_FailsItsPieceAndGoesOnWithTheNext()
    {
        var work = new BackgroundWork(0.2, _time);
        work.Add(new TestWork(() => throw new InvalidOperationException("broken")), _done, CancellationToken.None);
        var next = new TaskCompletionSource();
        work.Add(new TestWork(() => false), next, CancellationToken.None);

        work.Advance(requestsWait: false);
        work.Advance(requestsWait: false);

        (await Should.ThrowAsync<InvalidOperationException>(() => _done.Task)).Message.ShouldBe("broken");
        next.Task.IsCompletedSuccessfully.ShouldBeTrue();
    }

    [Fact]
    public async Task Advance_CancelledWhileRequestsLeaveNoTime_EndsWithoutAnotherSlice()
    {
        using var cancelled = new CancellationTokenSource();
        var work = new BackgroundWork(share: 0, _time);
        work.Add(new TestWork(() => throw new InvalidOperationException("ran")), _done, cancelled.Token);
        var other = new TaskCompletionSource();
        work.Add(new TestWork(() => true), other, CancellationToken.None);
        await cancelled.CancelAsync();

        work.Advance(requestsWait: true);

        _done.Task.IsCanceled.ShouldBeTrue();
        other.Task.IsCompleted.ShouldBeFalse();
        work.HasWork.ShouldBeTrue();
    }

    [Fact]
    public async Task FailAll_PiecesThatWait_TellsAllOfThem()
    {
        var work = Endless(share: 0.2, () => 10);

        work.FailAll(new EngineOverloadedException("stopped"));

        work.HasWork.ShouldBeFalse();
        await Should.ThrowAsync<EngineOverloadedException>(() => _done.Task);
    }

    private BackgroundWork Endless(double share, Func<int> milliseconds)
    {
        var work = new BackgroundWork(share, _time);
        Add(work, milliseconds);
        return work;
    }

    private void Add(BackgroundWork work, Func<int> milliseconds) => work.Add(
        new TestWork(() =>
        {
            var slice = milliseconds();
            _worked += slice;
            _time.Pass(slice);
            return true;
        }),
        _done,
        CancellationToken.None);

    // The loop of an engine that always has requests.
    private static double Serve(BackgroundWork work, int steps, int step)
    {
        for (var i = 0; i < steps; i++)
        {
            work.Served(TimeSpan.FromMilliseconds(step));
            do work.Advance(requestsWait: true);
            while (work.IsDue(requestsWait: true));
        }

        return (double)steps * step;
    }

    private sealed class ManualTime : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => _now;

        public void Pass(int milliseconds) => _now += milliseconds;
    }
}
