using LoraServe.Engine.Storage;
using LoraServe.Tests;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Storage;

public sealed class DatabaseCopyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Open_CannotBeCopied_LeavesNothing()
    {
        var name = $"{Guid.NewGuid():N}.db";
        File.WriteAllText(_folder.File(name), "");
        using var held = new FileStream(_folder.File($"{name}-wal"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);

        Should.Throw<IOException>(() => new DatabaseCopy(_folder.File(name)));

        Directory.GetDirectories(Path.GetTempPath(), "loraserve-*").Where(folder => folder != _folder.Path)
            .ShouldAllBe(folder => !File.Exists(Path.Combine(folder, name)));
    }
}
