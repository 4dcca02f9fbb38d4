using LoraServe.Hosting;

namespace LoraServe.Tests.Hosting;

public class IdlenessTests
{
    private const long Mega = 1 << 20;

    private readonly Idleness _idleness = new();

    [Fact]
    public void IsDue_AfterABurst_OnceItIsOverAndAgainForThePools()
    {
        long[] burst = [100, 300, .. Enumerable.Repeat(300L, 100)];

        var due = burst.Select((used, period) => (Period: period, IsDue: _idleness.IsDue(used * Mega))).Where(look => look.IsDue);

        due.Select(look => look.Period).ShouldBe([2, .. Enumerable.Range(0, 12).Select(i => 10 + (2 * i))]);
    }

    [Fact]
    public void IsDue_WhileRequestsRun_Never() =>
        Enumerable.Range(1, 100).Any(i => _idleness.IsDue(i * 50 * Mega)).ShouldBeFalse();

    [Fact]
    public void IsDue_NothingButProbes_Never() =>
        Enumerable.Range(1, 60).Any(i => _idleness.IsDue(i * Mega)).ShouldBeFalse();
}
