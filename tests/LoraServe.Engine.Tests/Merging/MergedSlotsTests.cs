using FsCheck.Xunit;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Merging;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Merging;

public class MergedSlotsTests
{
    [Property]
    public void RoomFor_AnyReservationsUsersAndPins_NeverExceedsTheBudget(int seed)
    {
        const int Budget = 1000;
        var random = new Random(seed);
        using var slots = Slots(Budget);
        var users = new List<AdapterLease>();
        for (var i = 0; i < 60; i++)
        {
            var bytes = random.Next(400);
            var needed = slots.All.Where(slot => !slot.CanGo).Sum(slot => slot.Bytes);
            if (slots.RoomFor(bytes, slots.All.OrderBy(slot => slot.Bytes)) is { } given)
            {
                foreach (var slot in given) slots.Drop(slot);
                slots.Reserve(bytes);
                if (random.Next(4) == 0) slots.Release(bytes);
                else users.AddRange(Use(Fill(slots, $"{i}", bytes), random));
            }
            else
            {
                (needed + bytes).ShouldBeGreaterThan(Budget);
            }

            slots.Bytes.ShouldBeLessThanOrEqualTo(Budget);
            if (users.Count == 0 || random.Next(2) == 0) continue;
            users[0].Dispose();
            users.RemoveAt(0);
        }
    }

    [Fact]
    public void RoomFor_SlotsThatCanGo_GivesUpTheLeastValuable()
    {
        using var slots = Slots(300);
        foreach (var name in (string[])["a", "b", "c"])
        {
            slots.Reserve(100);
            Fill(slots, name, 100);
        }

        var given = slots.RoomFor(150, slots.All.OrderBy(slot => slot.Version.Value == "b" ? 2 : slot.Version.Value == "a" ? 3 : 1));

        given!.Select(slot => slot.Version).ShouldBe([new AdapterVersionId("c"), new AdapterVersionId("b")]);
    }

    [Fact]
    public void Lease_UntilItsEnd_KeepsTheSlotAndTheAdapter()
    {
        using var slots = Slots(10);
        var releases = 0;
        slots.Reserve(10);
        var slot = Fill(slots, "a", 10, () => releases++);
        using var asked = new AdapterLease(new LoraAdapter(new AdapterVersionId("a"), new Dictionary<string, LinearUpdate>()), () => { }) { Name = "alias", EngineShare = 2 };

        var lease = slot.Lease(asked);

        slots.RoomFor(10, slots.All).ShouldBeNull();
        (lease.Name, lease.EngineShare, lease.Adapter).ShouldBe(("alias", 2, slot.Adapter));
        lease.Dispose();
        slots.Drop(slots.RoomFor(10, slots.All)!.Single());
        releases.ShouldBe(1);
        slots.Bytes.ShouldBe(0);
    }

    [Fact]
    public void Reserve_MoreThanIsFree_Throws()
    {
        using var slots = Slots(10);
        slots.Reserve(6);

        Should.Throw<InvalidOperationException>(() => slots.Reserve(5));
    }

    private static MergedSlots Slots(long budget) => new(budget, new MergeMetrics());

    private static IEnumerable<AdapterLease> Use(MergedSlot slot, Random random)
    {
        slot.IsPinned = random.Next(10) == 0;
        if (random.Next(2) == 0) yield break;
        using var asked = new AdapterLease(slot.Adapter, () => { });
        yield return slot.Lease(asked);
    }

    private static MergedSlot Fill(MergedSlots slots, string version, long bytes, Action? released = null)
    {
        var adapter = new LoraAdapter(new AdapterVersionId(version), new Dictionary<string, LinearUpdate>());
        return slots.Fill(
            new AdapterLease(adapter, released ?? (() => { })), new MergedTensors(adapter, [], torch.empty(0).DetachFromDisposeScope()), bytes);
    }
}
