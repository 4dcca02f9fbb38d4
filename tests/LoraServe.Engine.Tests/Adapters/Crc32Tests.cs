using System.Text;
using LoraServe.Engine.Adapters;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters;

public sealed class Crc32Tests
{
    [Theory]
    [InlineData("", 0u)]
    [InlineData("123456789", 0xCBF43926u)]
    public void Of_CheckValue_IsTheStandards(string text, uint checksum) =>
        Crc32.Of(new MemoryStream(Encoding.ASCII.GetBytes(text)), CancellationToken.None).ShouldBe(checksum);
}
