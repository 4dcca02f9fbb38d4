using LoraServe.Engine.Training.Runs;
using LoraServe.Tests;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Training.Runs;

public sealed class RunFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private string _content = "first";
    private bool _fails;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Publish_Checkpoint_IsACopyOfIt()
    {
        Folder().WriteCheckpoint(3, []);
        _content = "second";
        Folder().WriteCheckpoint(5, []);

        var result = Folder().Publish(3);

        result.ShouldBe(_folder.File("adapter"));
        File.ReadAllText(Path.Combine(result, "content")).ShouldBe("first");
        Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order().ShouldBe(["adapter", "checkpoints"]);
    }

    [Fact]
    public void WriteCheckpoint_ThatFails_LeavesTheOldOneWhole()
    {
        Folder().WriteCheckpoint(3, []);
        (_content, _fails) = ("second", true);

        Should.Throw<IOException>(() => Folder().WriteCheckpoint(3, []));

        File.ReadAllText(Path.Combine(Folder().CheckpointOf(3), "content")).ShouldBe("first");
        Directory.GetFileSystemEntries(_folder.File("checkpoints")).Length.ShouldBe(1);
    }

    [Fact]
    public void WriteCheckpoint_LeftoverOfAKill_IsSweptAway()
    {
        Directory.CreateDirectory(Path.Combine(_folder.Path, "checkpoints", ".step-3.abc"));

        Folder().WriteCheckpoint(3, []);

        Directory.GetFileSystemEntries(_folder.File("checkpoints")).ShouldBe([Folder().CheckpointOf(3)]);
    }

    [Fact]
    public void KeepOnly_TheLastAndSome_DeletesTheOthers()
    {
        for (var step = 8; step <= 12; step++) Folder().WriteCheckpoint(step, []);

        Folder().KeepOnly(2, 8, 12);

        Directory.GetDirectories(_folder.File("checkpoints")).Select(Path.GetFileName).Order().ShouldBe(["step-11", "step-12", "step-8"]);
    }

    private RunFolder Folder() => new(_folder.Path, "adapter", (folder, _) =>
    {
        File.WriteAllText(Path.Combine(folder, "content"), _content);
        if (_fails) throw new IOException("No space left on device");
    });
}
