using FsCheck.Xunit;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Tests;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Checkpoints.Safetensors;

public class SafetensorsFileTests
{
    public static TheoryData<string> Malformed =>
        [.. Directory.EnumerateDirectories(GoldenData.Path("refuse"), "safetensors-*").Select(folder => Path.GetFileName(folder))];

    [Theory]
    [MemberData(nameof(Malformed))]
    public void Open_Malformed_NamesTheFile(string golden)
    {
        var path = GoldenData.Path("refuse", golden, "adapter_model.safetensors");

        Should.Throw<InvalidSafetensorsException>(() => SafetensorsFile.Open(path)).Message.ShouldStartWith("adapter_model.safetensors: ");
    }

    [Fact]
    public void Open_HeaderAboveLimit_IsRefused() =>
        Should.Throw<InvalidSafetensorsException>(
            () => SafetensorsFile.Open(GoldenData.Path("expected", "qwen2.safetensors"), maxHeaderLength: 64)).Message.ShouldContain("at most 64");

    [Property(MaxTest = 500)]
    public void Open_MutatedFile_ThrowsNothingElse(int position, byte value, bool cut)
    {
        using var folder = new TemporaryFolder();
        var bytes = File.ReadAllBytes(GoldenData.Path("adapters", "llama-gqa", "attention-r4", "adapter_model.safetensors"));
        var at = (int)((uint)position % 1700);
        bytes[at] = value;
        File.WriteAllBytes(folder.File("f"), cut ? bytes[..at] : bytes);
        try
        {
            using var file = SafetensorsFile.Open(folder.File("f"));
            foreach (var entry in file.Entries.Values) file.Bytes(entry).Length.ShouldBe((int)entry.Length);
        }
        catch (InvalidSafetensorsException)
        {
            // The one exception that is promised.
        }
    }

    [Theory]
    [InlineData(torch.ScalarType.Float32)]
    [InlineData(torch.ScalarType.Float16)]
    [InlineData(torch.ScalarType.BFloat16)]
    public void Read_WrittenTensor_HasDtypeShapeAndValues(torch.ScalarType dtype)
    {
        using var folder = new TemporaryFolder();
        using var scope = torch.NewDisposeScope();
        // A transposed view: the file must hold it in row-major order.
        var written = torch.arange(6, dtype: torch.float32).reshape(2, 3).t().to(dtype);
        SafetensorsWriter.Write(folder.File("f"), new Dictionary<string, torch.Tensor> { ["t"] = written }, new Dictionary<string, string>());

        using var file = SafetensorsFile.Open(folder.File("f"));
        var read = file.Read("t");

        read.dtype.ShouldBe(dtype);
        read.shape.ShouldBe([3, 2]);
        read.Equals(written).ShouldBeTrue();
        read.Dispose();
    }

    [Fact]
    public void Read_InsideScopeAndInferenceMode_OutlivesBothAndCanBeChanged()
    {
        using var file = SafetensorsFile.Open(GoldenData.Path("adapters", "llama-gqa", "attention-r4", "adapter_model.safetensors"));
        torch.Tensor tensor;
        using (torch.NewDisposeScope())
        using (torch.inference_mode())
        {
            tensor = file.Read(file.Entries.Keys.First());
        }

        tensor.add_(1).requires_grad_();
        tensor.IsInvalid.ShouldBeFalse();
        tensor.Dispose();
    }

    [Fact]
    public void Read_Integers_IsRefusedByName()
    {
        using var file = SafetensorsFile.Open(GoldenData.Path("refuse", "integers", "adapter_model.safetensors"));

        Should.Throw<InvalidSafetensorsException>(() => file.Read(file.Entries.Keys.First())).Message.ShouldContain("expected F32, F16 or BF16, found I64");
    }

    [Fact]
    public void Bytes_AfterDispose_Throws()
    {
        var file = SafetensorsFile.Open(GoldenData.Path("expected", "qwen2.safetensors"));
        var entry = file.Entries.Values.First();
        file.Dispose();

        Should.Throw<ObjectDisposedException>(() => { file.Bytes(entry); });
    }

    [Property(MaxTest = 50)]
    public void Write_RandomShapesAndNames_ReadsBackTheSame(string[] names, byte rows, byte columns)
    {
        using var folder = new TemporaryFolder();
        using var scope = torch.NewDisposeScope();
        var tensors = names.Where(name => name is not (null or "__metadata__")).Select(name => new string([.. name.Where(c => !char.IsSurrogate(c))]))
            .Distinct(StringComparer.Ordinal)
            .Select((name, i) => (name, torch.randn(rows % 5, columns % 5).to(i % 2 == 0 ? torch.float32 : torch.bfloat16)))
            .ToDictionary(pair => pair.name, pair => pair.Item2);
        SafetensorsWriter.Write(folder.File("f"), tensors, new Dictionary<string, string> { ["format"] = "pt" });

        using var file = SafetensorsFile.Open(folder.File("f"));

        file.Metadata["format"].ShouldBe("pt");
        file.Entries.Keys.ShouldBe(tensors.Keys, ignoreOrder: true);
        foreach (var (name, tensor) in tensors) file.Read(name).Equals(tensor).ShouldBeTrue();
        Directory.GetFiles(folder.Path).Length.ShouldBe(1);
    }

    [Fact]
    public void Write_ReferenceFile_IsByteForByteTheSame()
    {
        using var folder = new TemporaryFolder();
        using var scope = torch.NewDisposeScope();
        var reference = GoldenData.Path("adapters", "llama-gqa", "all-linear-r8", "adapter_model.safetensors");
        using var file = SafetensorsFile.Open(reference);

        SafetensorsWriter.Write(folder.File("f"), file.Entries.Keys.ToDictionary(name => name, file.Read), file.Metadata);

        File.ReadAllBytes(folder.File("f")).ShouldBe(File.ReadAllBytes(reference));
    }
}
