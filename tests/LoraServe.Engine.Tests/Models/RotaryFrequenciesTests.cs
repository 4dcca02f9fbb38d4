using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Models;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Models;

public class RotaryFrequenciesTests
{
    private const int HeadDim = 16;

    [Fact]
    public void Compute_Dynamic_WithinTheContext_ChangesNothing()
    {
        var dynamic = new RotaryConfig { Type = RotaryType.Dynamic, Factor = 2 };

        RotaryFrequencies.Compute(dynamic, HeadDim, 64, maxModelLen: 64)
            .ShouldBe(RotaryFrequencies.Compute(new RotaryConfig(), HeadDim, 64, 64));
    }

    [Fact]
    public void Compute_Dynamic_BeyondTheContext_RaisesThetaForTheMaximum()
    {
        var dynamic = new RotaryConfig { Type = RotaryType.Dynamic, Factor = 2, Theta = 10000 };

        var found = RotaryFrequencies.Compute(dynamic, HeadDim, 64, maxModelLen: 128);

        // theta (2 * 128 / 64 - 1)^(16 / 14)
        var theta = 10000 * Math.Pow(3, 16.0 / 14);
        found[1].ShouldBe(Math.Pow(theta, -2.0 / HeadDim), tolerance: 1e-12);
    }

    [Fact]
    public void Compute_Llama3_KeepsHighAndDividesLowFrequencies()
    {
        var llama3 = new RotaryConfig { Type = RotaryType.Llama3, Factor = 8, OriginalMaxPositionEmbeddings = 64, Theta = 500000 };
        var plain = RotaryFrequencies.Compute(new RotaryConfig { Theta = 500000 }, HeadDim, 512, 512);

        var found = RotaryFrequencies.Compute(llama3, HeadDim, 512, 512);

        found[0].ShouldBe(plain[0]);
        found[^1].ShouldBe(plain[^1] / 8);
        found.ShouldBeInOrder(SortDirection.Descending);
    }
}
