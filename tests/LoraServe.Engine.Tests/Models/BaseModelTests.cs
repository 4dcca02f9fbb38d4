using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Models;

public class BaseModelTests
{
    /// <summary>Each checkpoint that is served, with the number of its golden rows: none of them may be left out.</summary>
    public static TheoryData<string, int> Checkpoints => new()
    {
        { "llama-bias-untied", 27 },
        { "llama-dynamic-rope", 12 },
        { "llama-gqa", 73 },
        { "llama-linear-rope-f16", 12 },
        { "llama-mqa-llama3-rope-sharded-bf16", 12 },
        { "llama-yarn-rope", 12 },
        { "mistral-sliding", 12 },
        { "qwen2", 12 },
        { "qwen3", 15 },
    };

    /// <summary>Each checkpoint on our kernels and on libtorch.</summary>
    public static TheoryData<string, int, bool> Decoders =>
        [.. Checkpoints.SelectMany(row => new[] { false, true }.Select(onTorch => (row.Data.Item1, row.Data.Item2, onTorch)))];

    [Theory]
    [MemberData(nameof(Decoders))]
    public void Forward_EachRowAlone_EqualsReference(string checkpoint, int count, bool onTorch)
    {
        using var model = new GoldenModel(checkpoint, onTorch: onTorch);
        var rows = GoldenRow.Load(checkpoint);

        rows.Count.ShouldBe(count);
        foreach (var row in rows) model.ShouldEqualGolden([row], chunk: int.MaxValue);
    }

    [Theory]
    [MemberData(nameof(Decoders))]
    public void Forward_AllRowsMixedInChunksOfFive_EqualsReference(string checkpoint, int count, bool onTorch)
    {
        using var model = new GoldenModel(checkpoint, onTorch: onTorch);
        var rows = GoldenRow.Load(checkpoint).ToArray();
        new Random(1).Shuffle(rows);

        rows.Length.ShouldBe(count);
        model.ShouldEqualGolden(rows, chunk: 5);
    }

    [Theory]
    [MemberData(nameof(Decoders))]
    public void Forward_LogitsAndAttentionInSlices_EqualReference(string checkpoint, int count, bool onTorch)
    {
        using var model = new GoldenModel(checkpoint, inSlices: true, onTorch: onTorch);
        var rows = GoldenRow.Load(checkpoint);

        rows.Count.ShouldBe(count);
        model.ShouldEqualGolden(rows, chunk: 7);
    }

    [Theory]
    [MemberData(nameof(Decoders))]
    public void Forward_AllAdaptersMerged_EqualsReference(string checkpoint, int count, bool onTorch)
    {
        using var model = new GoldenModel(checkpoint, merges: true, onTorch: onTorch);
        var rows = GoldenRow.Load(checkpoint);
        var before = model.Checksum();

        rows.Count.ShouldBe(count);
        foreach (var row in rows) model.ShouldEqualGolden([row], chunk: int.MaxValue);
        model.ShouldEqualGolden(rows, chunk: 5);

        model.Checksum().ShouldBe(before);
    }

    [Fact]
    public void Fingerprint_AfterMixedBatches_IsUnchanged()
    {
        using var model = new GoldenModel("llama-gqa");
        var before = model.Checksum();

        model.ShouldEqualGolden(GoldenRow.Load("llama-gqa"), chunk: 7);

        model.Checksum().ShouldBe(before);
    }
}
