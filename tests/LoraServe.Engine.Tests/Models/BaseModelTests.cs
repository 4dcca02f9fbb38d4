using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Models;

public class BaseModelTests
{
    private static readonly string[] Checkpoints =
    [
        "llama-gqa", "llama-bias-untied", "llama-dynamic-rope", "llama-linear-rope-f16", "llama-mqa-llama3-rope-sharded-bf16",
        "llama-yarn-rope", "mistral-sliding", "qwen2", "qwen3",
    ];

    // Refused by name; PeftAdapterTests holds the refusals.
    private static readonly string[] NotPlainLora =
    [
        "activated", "bias-all", "bias-lora-only", "dora-r4", "dora-rslora-r8", "embeddings", "lora-bias", "modules-to-save-head-and-norm",
        "modules-to-save-norm", "trainable-tokens",
    ];

    public static TheoryData<string> AllCheckpoints => [.. Checkpoints];

    [Theory]
    [MemberData(nameof(AllCheckpoints))]
    public void Forward_EachRowAlone_EqualsReference(string checkpoint)
    {
        using var model = new GoldenModel(checkpoint);
        foreach (var row in Rows(checkpoint)) model.ShouldEqualGolden([row], chunk: int.MaxValue);
    }

    [Theory]
    [MemberData(nameof(AllCheckpoints))]
    public void Forward_AllRowsMixedInChunksOfFive_EqualsReference(string checkpoint)
    {
        using var model = new GoldenModel(checkpoint);
        var rows = Rows(checkpoint).ToArray();
        new Random(1).Shuffle(rows);
        model.ShouldEqualGolden(rows, chunk: 5);
    }

    [Fact]
    public void Fingerprint_AfterMixedBatches_IsUnchanged()
    {
        using var model = new GoldenModel("llama-gqa");
        var before = model.Fingerprint();

        model.ShouldEqualGolden(Rows("llama-gqa"), chunk: 7);

        model.Fingerprint().ShouldBe(before);
    }

    private static IReadOnlyList<GoldenRow> Rows(string checkpoint)
    {
        var rows = GoldenRow.Load(checkpoint, name => !NotPlainLora.Contains(name));
        rows.Count.ShouldBeGreaterThanOrEqualTo(12);
        return rows;
    }
}
