using System.Diagnostics;
using LoraServe.Tests;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests;

public class NativeLibrariesTests
{
    [Fact]
    public void Load_BuildOutput_ComputesASum()
    {
        using var scope = torch.NewDisposeScope();
        torch.ones(2, 3).sum().item<float>().ShouldBe(6);
    }

    [Fact]
    public void Load_BuildOutput_ComputesABFloat16Linear()
    {
        using var scope = torch.NewDisposeScope();
        var x = torch.ones(2, 3, torch.bfloat16);
        var weight = torch.tensor(new float[] { 1, 2, 3, -4, -5, -6 }).view(2, 3).to(torch.bfloat16);

        var y = torch.nn.functional.linear(x, weight);

        y.dtype.ShouldBe(torch.ScalarType.BFloat16);
        y.to(torch.float32).data<float>().ToArray().ShouldBe([6, -15, 6, -15]);
    }

    [Fact]
    public void Folder_BuildOutput_KeepsTheLibrariesOutOfTheOutputFolder()
    {
        Directory.EnumerateFiles(AppContext.BaseDirectory, "*torch_cpu*", SearchOption.AllDirectories).ShouldBeEmpty();
        Directory.EnumerateFiles(NativeLibraries.Folder, "*torch_cpu*").ShouldNotBeEmpty();
    }

    [Fact]
    public async Task Build_WithoutThePackageOfLibTorch_SaysThatItIsFetched()
    {
        var project = GoldenData.Path("..", "..", "..", "src", "LoraServe.Engine");
        var start = new ProcessStartInfo("dotnet", ["msbuild", project, "-target:AnnounceLibTorch", "-nologo", "-nodeReuse:false"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            Environment = { ["NUGET_PACKAGES"] = "/no/packages" },
        };
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);

        output.Trim().ShouldBe("The first build fetches libtorch (about 130 MB) into /no/packages.");
    }

    [Fact]
    public void Resolve_UnknownLibrary_LeavesItToOthers() => NativeLibraries.Resolve(NativeLibraries.Folder, "no_such_library").ShouldBe(0);
}
