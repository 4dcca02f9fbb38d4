using System.Text.Json;
using LoraServe.Text.Faults;
using Shouldly;
using Xunit;

namespace LoraServe.Text.Tests.Faults;

public class FaultListTests
{
    [Fact]
    public void Add_AsManyAsAreKept_EndsReading()
    {
        var faults = new FaultList(found => new FormatException(FaultText.Join(found)));
        var added = 0;

        var refusal = Should.Throw<FormatException>(() =>
        {
            for (; added < 1_000_000; added++) faults.Add($"fault {added}");
        });

        added.ShouldBe(FaultList.Most - 1);
        refusal.Message.ShouldStartWith("fault 0; fault 1; ");
        refusal.Message.ShouldEndWith("; fault 19");
    }

    [Fact]
    public void Add_WithoutRefusal_CountsTheRest()
    {
        var faults = new FaultList(refuse: null);

        faults.AddRange(Enumerable.Repeat("fault", 1000));
        faults.ThrowIfAny();

        (faults.Count, faults.Kept.Count).ShouldBe((1000, FaultList.Most));
    }

    [Fact]
    public void Add_LongFault_IsCut()
    {
        var faults = new FaultList(refuse: null);

        faults.Add(new string('a', 1_000_000));

        faults.Kept[0].Length.ShouldBe(FaultText.MostOfFault + 1);
    }

    [Fact]
    public void ThrowIfAny_OneFault_Refuses()
    {
        var faults = new FaultList(found => new FormatException(found[0]));
        faults.ThrowIfAny();

        faults.Add("a");

        Should.Throw<FormatException>(faults.ThrowIfAny).Message.ShouldBe("a");
    }

    [Fact]
    public void RemoveAll_Kept_AreNoFaultsAnyMore()
    {
        var faults = new FaultList(found => new FormatException(found[0]));
        faults.Add("a");

        faults.RemoveAll(fault => fault == "a");

        faults.Any.ShouldBeFalse();
        faults.ThrowIfAny();
    }

    [Fact]
    public void Shorten_PairAtTheCut_IsLeftOutWhole()
    {
        var text = new string('a', FaultText.MostOfValue - 1) + "🦊🦊";

        FaultText.Shorten(text).ShouldBe(new string('a', FaultText.MostOfValue - 1) + "…");
        FaultText.Shorten("🦊").ShouldBe("🦊");
    }

    [Fact]
    public void Show_LongValue_IsCutBetweenCharacters()
    {
        using var json = JsonDocument.Parse($"\"{string.Concat(Enumerable.Repeat("猫", 1000))}\"");

        var shown = FaultText.Show(json.RootElement);

        shown.ShouldStartWith("\"猫猫");
        shown.ShouldEndWith("猫…");
        shown.ShouldNotContain("\uFFFD");
        shown.Length.ShouldBeLessThan(FaultText.MostOfValue);
    }

    [Fact]
    public void Join_MoreThanAreKept_SaysHowManyMore() =>
        FaultText.Join([.. Enumerable.Range(0, 60).Select(i => $"fault {i}")]).ShouldEndWith("; fault 19; and 40 more");
}
