using System.Text.Json;
using System.Text.Json.Nodes;
using LoraServe.Audit;

namespace LoraServe.Tests.Audit;

public class AuditTextTests
{
    [Fact]
    public void Of_ShortDetails_KeepsThemAll() =>
        AuditText.Of(new JsonObject { ["pinned"] = true, ["adapters"] = new JsonArray(new JsonObject { ["weight"] = 0.5 }) })
            .ShouldBe("""{"pinned":true,"adapters":[{"weight":0.5}]}""");

    [Fact]
    public void Of_LongTextsAndLists_CutsThem()
    {
        var details = new JsonObject
        {
            ["suffix"] = new string('x', 15_000_000),
            [new string('n', 5000)] = 1,
            ["ranks"] = new JsonArray([.. Enumerable.Range(0, 100_000).Select(i => (JsonNode)i)]),
        };

        var text = AuditText.Of(details)!;

        text.Length.ShouldBeLessThanOrEqualTo(AuditText.MostOfDetails);
        JsonDocument.Parse(text).RootElement.GetProperty("ranks").GetArrayLength().ShouldBe(64);
    }

    [Fact]
    public void Of_TooManyFields_KeepsSomeNames()
    {
        var details = new JsonObject();
        for (var i = 0; i < 1000; i++) details[$"{i:0000}{new string('x', 300)}"] = new string('y', 300);

        var text = AuditText.Of(details)!;

        text.Length.ShouldBeLessThanOrEqualTo(AuditText.MostOfDetails);
        JsonDocument.Parse(text).RootElement.GetProperty("fields").GetArrayLength().ShouldBe(32);
    }

    [Fact]
    public void Of_None_IsNull() => AuditText.Of((JsonObject?)null).ShouldBeNull();
}
