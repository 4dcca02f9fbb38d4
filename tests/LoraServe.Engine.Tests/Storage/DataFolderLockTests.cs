using LoraServe.Engine.Storage;
using LoraServe.Tests;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Storage;

public sealed class DataFolderLockTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.File("lock");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Take_Held_SaysThatAnotherServerUsesIt()
    {
        using var held = DataFolderLock.Take(Path);

        Should.Throw<IOException>(() => DataFolderLock.Take(Path)).Message.ShouldContain("another LoraServe");
        Should.Throw<IOException>(() => DataFolderLock.TakeExisting(Path)).Message.ShouldContain("another LoraServe");
    }

    [Fact]
    public void TakeExisting_NotHeld_HoldsIt()
    {
        DataFolderLock.Take(Path).Dispose();

        using var held = DataFolderLock.TakeExisting(Path);

        Should.Throw<IOException>(() => DataFolderLock.Take(Path)).Message.ShouldContain("another LoraServe");
    }

    [Fact]
    public void Take_CannotBeOpened_SaysWhy()
    {
        Should.Throw<DirectoryNotFoundException>(() => DataFolderLock.Take(_folder.File("no/lock"), TimeSpan.FromMinutes(1)));
        Directory.CreateDirectory(Path);
        Should.Throw<UnauthorizedAccessException>(() => DataFolderLock.Take(Path, TimeSpan.FromMinutes(1)));
    }
}
