using LoraServe.Hosting;

namespace LoraServe.Tests.Hosting;

public class IdlenessTests
{
    private const long Mega = 1 << 20;

    private readonly Idleness _idleness = new();

    [Fact]
    public void IsDue_AfterABurst_OnceItIsOverAndAgainForThePools()
    {
        var due = new[] { 100, 300, 300, 300, 301, 301, 301, 302, 302, 302, 302, 302, 302, 302 }.Select(used => _idleness.IsDue(used * Mega)).ToList();

        due.ShouldBe([false, false, true, false, false, false, false, false, false, false, true, false, false, false]);
    }

    [Fact]
    public void IsDue_WhileRequestsRun_Never() =>
        Enumerable.Range(1, 100).Any(i => _idleness.IsDue(i * 50 * Mega)).ShouldBeFalse();

    [Fact]
    public void IsDue_NothingButProbes_Never() =>
        Enumerable.Range(1, 60).Any(i => _idleness.IsDue(i * Mega)).ShouldBeFalse();
}
