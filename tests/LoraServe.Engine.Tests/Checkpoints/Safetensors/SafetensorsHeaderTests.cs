using System.Text;
using FsCheck.Xunit;
using LoraServe.Engine.Checkpoints.Safetensors;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Checkpoints.Safetensors;

public class SafetensorsHeaderTests
{
    [Fact]
    public void Parse_ScalarEmptyAndPackedTensors_AreLegal()
    {
        var header = Parse(
            """{"s":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"e":{"dtype":"BF16","shape":[0,9],"data_offsets":[4,4]},"p":{"dtype":"F4","shape":[3,2],"data_offsets":[4,7]}}   """, 7);

        header.Entries["s"].Length.ShouldBe(4);
        header.Entries["e"].Length.ShouldBe(0);
        header.Entries["p"].ShouldBe(header.Entries["p"] with { Offset = 4, Length = 3 });
    }

    [Fact]
    public void Parse_Metadata_IsKept() => Parse("""{"__metadata__":{"format":"pt"}}""", 0).Metadata["format"].ShouldBe("pt");

    [Theory]
    [InlineData("", "starts at its first byte")]
    [InlineData(" {}", "starts at its first byte")]
    [InlineData("[]", "starts at its first byte")]
    [InlineData("{} x", "not valid JSON")]
    [InlineData("{", "not valid JSON")]
    [InlineData("""{"t":""", "not valid JSON")]
    [InlineData("""{"\ud800":{}}""", "not valid JSON")]
    [InlineData("""{"t":1}""", "'t': expected an object")]
    [InlineData("""{"t":{}}""", "'t': expected dtype, shape and data_offsets")]
    [InlineData("""{"t":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""", "'t': expected dtype, shape and data_offsets")]
    [InlineData("""{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}""", "'t': expected dtype, shape and data_offsets")]
    [InlineData("""{"t":{"dtype":"11","shape":[1],"data_offsets":[0,4]}}""", "unknown dtype '11'")]
    [InlineData("""{"t":{"dtype":"f32","shape":[1],"data_offsets":[0,4]}}""", "unknown dtype 'f32'")]
    [InlineData("""{"t":{"dtype":{},"shape":[1],"data_offsets":[0,4]}}""", "unknown dtype")]
    [InlineData("""{"t":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "dtype appears twice")]
    [InlineData("""{"t":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", "shape must hold whole numbers")]
    [InlineData("""{"t":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}""", "shape must hold whole numbers")]
    [InlineData("""{"t":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", "data_offsets must hold whole numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F16","shape":[0],"data_offsets":[2,2]}}""", "begins at byte")]
    [InlineData("""{"t":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}}""", "shape must hold whole numbers")]
    [InlineData("""{"t":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}}""", "shape must hold whole numbers")]
    [InlineData("""{"t":{"dtype":"F32","shape":[2305843009213693952],"data_offsets":[0,4]}}""", "too large")]
    [InlineData("""{"t":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}}""", "needs 1.5 bytes")]
    [InlineData("""{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775807]}}""", "data_offsets give 9223372036854775807")]
    [InlineData("""{"t":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "expected 0")]
    [InlineData("""{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "need 8 bytes of data, the file has 4")]
    [InlineData("{}", "need 0 bytes of data, the file has 4")]
    [InlineData("""{"__metadata__":{"a":"1"},"__metadata__":{"b":"2"}}""", "__metadata__ must be one object")]
    [InlineData("""{"__metadata__":{"a":{"b":"c"}}}""", "'a' must be text")]
    public void Parse_Malformed_SaysWhat(string json, string expected) =>
        Should.Throw<InvalidSafetensorsException>(() => Parse(json, 4)).Message.ShouldContain(expected);

    [Fact]
    public void Parse_NameOrShapeWithoutEnd_IsRefusedInFewWords()
    {
        var dimensions = string.Join(',', Enumerable.Repeat("1", 100_000));
        var name = new string('n', 100_000);

        Should.Throw<InvalidSafetensorsException>(() => Parse($$$"""{"{{{name}}}":{},"t":{"dtype":"F32","shape":[{{{dimensions}}}],"data_offsets":[0,4]}}""", 4))
            .Message.Length.ShouldBeLessThan(500);
    }

    [Theory]
    [InlineData("__metadata__", "\"\":1")]
    [InlineData("t", "\"dtype\":\"F32\"")]
    public void Parse_MillionsOfFaultsInOneObject_ListsTheFirst(string name, string field)
    {
        var fields = string.Join(',', Enumerable.Repeat(field, 100_000));

        Should.Throw<InvalidSafetensorsException>(() => Parse("{\"" + name + "\":{" + fields + "}}", 4)).Faults.Count.ShouldBeLessThanOrEqualTo(20);
    }

    [Fact]
    public void Parse_SeveralFaults_NamesThemAll()
    {
        var e = Should.Throw<InvalidSafetensorsException>(() => Parse(
            """{"a":{"dtype":"Q4","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4));

        e.Faults.Count.ShouldBe(2);
        e.Message.ShouldStartWith("test.safetensors: ");
    }

    [Property(MaxTest = 3000)]
    public void Parse_MutatedHeader_ThrowsNothingElse(ushort position, byte value, ushort cut, byte dataLength)
    {
        var bytes = Encoding.UTF8.GetBytes(
            """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[],"data_offsets":[8,10]}}""");
        bytes[position % bytes.Length] = value;
        var length = cut % 3 == 0 ? cut % bytes.Length : bytes.Length;
        try
        {
            var header = SafetensorsHeader.Parse("f", bytes.AsSpan(0, length), dataLength);
            header.Entries.Values.Sum(entry => entry.Length).ShouldBe(dataLength);
        }
        catch (InvalidSafetensorsException)
        {
            // The one exception that is promised.
        }
    }

    private static SafetensorsHeader Parse(string json, long dataLength) =>
        SafetensorsHeader.Parse("test.safetensors", Encoding.UTF8.GetBytes(json), dataLength);
}
