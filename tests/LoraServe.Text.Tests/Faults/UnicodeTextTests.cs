using System.Text;
using System.Text.Json;
using LoraServe.Text.Faults;
using Shouldly;
using Xunit;

namespace LoraServe.Text.Tests.Faults;

public class UnicodeTextTests
{
    [Theory]
    [InlineData("""{"a": ["b", {"c": "\ud800"}]}""", "a[1].c")]
    [InlineData("""{"a": "\ud83d\ude00", "b": "\udc00\ud800"}""", "b")]
    [InlineData("""["\\ud800", "\\\ud800"]""", "[1]")]
    [InlineData("""{"a": {"\ud800": 1}}""", "a")]
    [InlineData("\"\\ud800\"", "")]
    [InlineData("""{"a": "\ud83d\ude00", "\u00e4": "\u0000"}""", null)]
    [InlineData("""{"a": 1}""", null)]
    public void FirstInvalid_HalfOfASurrogatePair_IsFound(string json, string? place) =>
        UnicodeText.FirstInvalid(JsonSerializer.Deserialize<JsonElement>(json)).ShouldBe(place);

    [Fact]
    public void FirstInvalid_BytesThatAreNoUtf8_AreFound()
    {
        var bytes = Encoding.UTF8.GetBytes("""{"a": "?"}""");
        bytes[7] = 0xff;
        using var document = JsonDocument.Parse(bytes);

        UnicodeText.FirstInvalid(document.RootElement).ShouldBe("a");
    }
}
