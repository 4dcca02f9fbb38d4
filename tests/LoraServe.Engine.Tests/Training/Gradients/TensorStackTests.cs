using LoraServe.Engine.Training.Gradients;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Training.Gradients;

public class TensorStackTests
{
    private const long Chunk = 16 << 20;

    [Fact]
    public void Push_LongerAndLonger_HoldsNoMoreThanTwiceTheLongest()
    {
        using var scope = torch.NewDisposeScope();
        using var stack = new TensorStack(torch.ScalarType.BFloat16, torch.CPU);
        var kept = stack.Push(10);
        kept.fill_(3);
        var top = stack.Top;

        for (var size = Chunk + 1; size < 3 * Chunk; size += Chunk / 4)
        {
            stack.Push(size);
            stack.Release(top);
        }

        stack.Bytes.ShouldBe(sizeof(ushort) * (Chunk + (4 * Chunk)));
        kept.sum().ToSingle().ShouldBe(30);
    }

    [Fact]
    public void Push_TheSameAgain_HoldsNoMore()
    {
        using var scope = torch.NewDisposeScope();
        using var stack = new TensorStack(torch.ScalarType.BFloat16, torch.CPU);
        long[] sizes = [Chunk / 2, Chunk / 2, 3 * Chunk / 2, 100, Chunk];
        PushAll();
        var bytes = stack.Bytes;

        PushAll();

        stack.Bytes.ShouldBe(bytes);

        void PushAll()
        {
            var top = stack.Top;
            foreach (var size in sizes) stack.Push(size);
            stack.Release(top);
        }
    }
}
