using System.Text;
using LoraServe.Engine.Adapters.Intake;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters.Intake;

public sealed class Crc32Tests
{
    [Theory]
    [InlineData("", 0u)]
    [InlineData("123456789", 0xCBF43926u)]
    public void Append_CheckValueInPieces_IsTheStandards(string text, uint checksum)
    {
        var state = Crc32.Start;
        foreach (var piece in Encoding.ASCII.GetBytes(text).Chunk(4)) state = Crc32.Append(state, piece);

        Crc32.End(state).ShouldBe(checksum);
    }
}
