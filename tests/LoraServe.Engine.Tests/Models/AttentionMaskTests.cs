using LoraServe.Engine.Models;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Models;

public class AttentionMaskTests
{
    [Theory]
    [InlineData(null)]
    [InlineData(8)]
    public void Create_OneTokenThatSeesAll_NeedsNoMask(int? window) =>
        AttentionMask.Create(1, 8, window, group: 2, torch.float32, torch.CPU).ShouldBeNull();

    [Fact]
    public void Create_OneTokenBeyondTheWindow_HidesTheOldest() =>
        Visible(AttentionMask.Create(1, 5, window: 3, group: 1, torch.float32, torch.CPU)).ShouldBe(["..###"]);

    [Fact]
    public void Create_ChunkAfterAContext_IsCausal() =>
        Visible(AttentionMask.Create(3, 5, window: null, group: 1, torch.float32, torch.CPU)).ShouldBe(["###..", "####.", "#####"]);

    [Fact]
    public void Create_ChunkWithWindow_IsCausalAndSlides() =>
        Visible(AttentionMask.Create(3, 5, window: 2, group: 1, torch.float32, torch.CPU)).ShouldBe([".##..", "..##.", "...##"]);

    [Fact]
    public void Create_GroupOfHeads_RepeatsTheRows() =>
        Visible(AttentionMask.Create(2, 2, window: null, group: 2, torch.float32, torch.CPU)).ShouldBe(["#.", "##", "#.", "##"]);

    [Fact]
    public void Elements_LongPromptAndContext_DoNotOverflow() => AttentionMask.Elements(16_384, 131_072, 4).ShouldBe(8_589_934_592);

    private static string[] Visible(torch.Tensor? mask)
    {
        using var scope = torch.NewDisposeScope();
        var columns = (int)mask.ShouldNotBeNull().size(1);
        return [.. mask.data<float>().ToArray().Chunk(columns).Select(row => string.Concat(row.Select(value => value == 0 ? '#' : '.')))];
    }
}
