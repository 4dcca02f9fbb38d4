using System.Runtime.Versioning;
using LoraServe.Engine.Storage;
using LoraServe.Tests;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Storage;

public sealed class OwnerOnlyTests : IDisposable
{
    private const UnixFileMode Wide = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void Tighten_TreeThatOthersCanRead_IsItsOwnersAndFollowsNoLink()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such rights.");
        var outside = Directory.CreateDirectory(_folder.File("outside")).FullName;
        var file = _folder.File("outside/file");
        File.WriteAllText(file, "");
        var inner = Directory.CreateDirectory(_folder.File("data/adapters")).FullName;
        var inside = Path.Combine(inner, "file");
        File.WriteAllText(inside, "");
        foreach (var path in new[] { outside, file, inner, inside }) File.SetUnixFileMode(path, Wide);
        Directory.CreateSymbolicLink(Path.Combine(inner, "link"), outside);

        OwnerOnly.Tighten(_folder.File("data")).Count.ShouldBeGreaterThanOrEqualTo(2);

        (File.GetUnixFileMode(inner) | File.GetUnixFileMode(inside)).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.GetUnixFileMode(file).ShouldBe(Wide);
        OwnerOnly.CountOpen(_folder.File("data")).ShouldBe(0);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void Tighten_SomeAreOfSomebodyElse_GoesOnAndNamesTheFirst()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such rights.");
        for (var i = 0; i < 9; i++)
        {
            File.WriteAllText(_folder.File($"{i}"), "");
            File.SetUnixFileMode(_folder.File($"{i}"), Wide);
        }

        var done = OwnerOnly.Tighten(_folder.Path, entry =>
        {
            if (entry.Name == "0") throw new DirectoryNotFoundException();
            if (entry.Name is not "8") throw new UnauthorizedAccessException($"denied: {entry.Name}");
        });

        done.Count.ShouldBeGreaterThanOrEqualTo(1);
        done.OpenCount.ShouldBeGreaterThanOrEqualTo(7);
        done.Open.Count.ShouldBe(5);
        done.Reason!.ShouldStartWith("denied");
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void CreateFolder_NewOne_IsItsOwners()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such rights.");

        var path = OwnerOnly.CreateFolder(_folder.File("data"));

        File.GetUnixFileMode(path).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
