using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Lora;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters.Residency;

public class AdapterLeaseTests
{
    [Fact]
    public void Dispose_OfAllShares_ReleasesOnce()
    {
        var released = 0;
        var lease = new AdapterLease(LoraAdapter.Base, () => released++);
        var shared = lease.Share();
        var again = shared.Share();

        lease.Dispose();
        lease.Dispose();
        shared.Dispose();
        released.ShouldBe(0);
        again.Dispose();
        again.Dispose();

        released.ShouldBe(1);
    }

    [Fact]
    public void Keep_AfterTheUseEnded_StillHoldsTheAdapter()
    {
        var (freed, ended) = (0, 0);
        var lease = new AdapterLease(new AdapterLease(LoraAdapter.Base, () => freed++), () => ended++);
        var kept = lease.Keep();

        lease.Dispose();
        (freed, ended).ShouldBe((0, 1));
        kept.Dispose();

        (freed, ended).ShouldBe((1, 1));
    }

    [Fact]
    public void Share_AfterDispose_Throws()
    {
        var lease = new AdapterLease(LoraAdapter.Base, () => { });
        lease.Dispose();

        Should.Throw<ObjectDisposedException>(() => lease.Share());
    }

    [Fact]
    public void Base_IsTheBaseModel()
    {
        using var lease = AdapterLease.Base();

        lease.Version.ShouldBe(AdapterVersionId.Base);
        lease.Adapter.ShouldBeSameAs(LoraAdapter.Base);
    }
}
