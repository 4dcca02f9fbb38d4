using LoraServe.Engine.Sequences;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Sequences;

public sealed class SequenceClockTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void Times_OfAWholeLife_AreThoseOfItsPhases()
    {
        var clock = new SequenceClock(_time);
        _time.Pass(3);
        clock.Admit();
        _time.Pass(5);
        clock.SinceToken.ShouldBeNull();
        clock.AddToken();
        _time.Pass(2);
        clock.AddToken();
        _time.Pass(4);
        clock.SinceToken.ShouldBe(TimeSpan.FromSeconds(4));
        clock.AddToken();
        clock.End();

        var times = clock.Times;
        times.Queue.ShouldBe(TimeSpan.FromSeconds(3));
        times.Prefill.ShouldBe(TimeSpan.FromSeconds(5));
        times.Decode.ShouldBe(TimeSpan.FromSeconds(6));
        times.Inference.ShouldBe(TimeSpan.FromSeconds(11));
        times.Ended.ShouldBe(TimeSpan.FromSeconds(14));
        times.Preemptions.ShouldBe(0);
    }

    [Fact]
    public void Times_OfASequenceThatWasPreempted_CountFromTheFirstAdmission()
    {
        var clock = new SequenceClock(_time);
        _time.Pass(1);
        clock.Admit();
        _time.Pass(1);
        clock.Preempt();
        _time.Pass(7);
        clock.Admit();
        clock.AddToken();
        clock.End();

        clock.Times.Queue.ShouldBe(TimeSpan.FromSeconds(1));
        clock.Times.Prefill.ShouldBe(TimeSpan.FromSeconds(8));
        clock.Times.Preemptions.ShouldBe(1);
    }

    [Fact]
    public void Times_OfASequenceThatLeftTheQueue_AreOnlyItsWait()
    {
        var clock = new SequenceClock(_time);
        _time.Pass(9);
        clock.End();

        clock.Times.Queue.ShouldBe(TimeSpan.FromSeconds(9));
        clock.Times.Prefill.ShouldBeNull();
        clock.Times.Decode.ShouldBeNull();
        clock.Times.Inference.ShouldBeNull();
    }

    private sealed class ManualTime : TimeProvider
    {
        private long _seconds = 1000;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => _seconds;

        public void Pass(int seconds) => _seconds += seconds;
    }
}
