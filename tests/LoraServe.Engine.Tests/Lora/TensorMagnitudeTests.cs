using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Lora;
using LoraServe.Tests;
using Shouldly;
using Xunit;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Lora;

public class TensorMagnitudeTests
{
    private const int Piece = 13;

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    public void Largest_WhereverItStands_IsFound(ScalarType dtype)
    {
        foreach (var size in new[] { 1, 31, 32, 67 })
        {
            foreach (var (value, largest) in new[] { (-3f, 3f), (float.NegativeInfinity, float.PositiveInfinity), (0.25f, 0.5f) })
            {
                for (var place = 0; place < size; place++) Largest(size, place, value, dtype).ShouldBe(size == 1 ? Math.Abs(value) : largest);
            }

            float.IsFinite(Largest(size, size - 1, float.NaN, dtype)).ShouldBeFalse();
        }
    }

    [Fact]
    public void Largest_NoNumbers_IsZero() => Largest(0, 0, 0, ScalarType.Float32).ShouldBe(0);

    private static float Largest(int size, int place, float value, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        var values = Enumerable.Repeat(-0.5f, size).ToArray();
        if (size > 0) values[place] = value;
        SafetensorsWriter.Write(
            folder.File("x.safetensors"), new Dictionary<string, Tensor> { ["x"] = tensor(values).to(dtype) }, new Dictionary<string, string>());
        using var file = SafetensorsFile.Open(folder.File("x.safetensors"));
        var entry = file.Entries["x"];
        var magnitude = new TensorMagnitude(entry.Dtype);
        for (var start = 0L; start < entry.Length; start += 4 * Piece) magnitude.Append(file.Bytes(entry, start, 4 * Piece));
        return magnitude.Largest;
    }
}
