using LoraServe.Api.Adapters;
using LoraServe.Api.Requests;
using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Tests.Api.Adapters;

public class AdapterSelectorTests
{
    [Theory]
    [InlineData(null, null, null, null)]
    [InlineData(null, null, "", null)]
    [InlineData(null, null, "base-model", null)]
    [InlineData(null, null, "sql", "sql")]
    [InlineData(null, "sql", null, "sql")]
    [InlineData(null, "sql", "base-model", "sql")]
    [InlineData(null, "sql", "sql", "sql")]
    [InlineData(null, "base-model", null, null)]
    [InlineData("sql", null, null, "sql")]
    [InlineData("sql", "sql", "sql", "sql")]
    [InlineData("sql", "", "base-model", "sql")]
    [InlineData("", "", "", null)]
    [InlineData(null, null, "base-model:sql", "sql")]
    [InlineData(null, "sql", "base-model:sql", "sql")]
    [InlineData(null, null, "base-model:sql:0.5,extract:0.5", "sql:0.5,extract:0.5")]
    public void Select_NamesThatAgree_GivesTheAdapter(string? query, string? body, string? model, string? expected) =>
        (AdapterSelector.Select([query], [body, null], null, model, "base-model")?.ToString()).ShouldBe(expected);

    [Theory]
    [InlineData("sql:0.7,extract:-0.3", null, null)]
    [InlineData(null, "sql:0.7,extract:-0.3", null)]
    [InlineData(null, null, "sql:0.7,extract:-0.3")]
    public void Select_WeightedSum_IsTheSameInEveryPlace(string? query, string? body, string? model)
    {
        var mix = new AdapterParts([new AdapterPart("sql", 0.7), new AdapterPart("extract", -0.3)]);

        AdapterSelector.Select([query], [body], mix, model, "base-model")!.Parts.ShouldBe(mix.Items);
    }

    [Theory]
    [InlineData("base-model:")]
    [InlineData("base-model: ")]
    [InlineData("base-model::")]
    public void Select_BaseWithNothingBehindTheColon_IsUnknown(string model) =>
        Should.Throw<UnknownAdapterException>(() => AdapterSelector.Select([null], [null], null, model, "base-model"));

    [Theory]
    [InlineData("sql", "extract", null)]
    [InlineData("sql", null, "extract")]
    [InlineData(null, "sql", "extract")]
    [InlineData("base-model", null, "sql")]
    public void Select_NamesThatDiffer_IsAConflict(string? query, string? body, string? model)
    {
        var e = Should.Throw<InvalidRequestException>(() => AdapterSelector.Select([query], [body], null, model, "base-model"));

        e.Faults.ShouldHaveSingleItem().Code.ShouldBe("adapter_conflict");
    }
}
