using LoraServe.Engine.Storage;
using LoraServe.Tests;
using Microsoft.Data.Sqlite;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Storage;

public sealed class DiskReserveTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DiskReserve _reserve;

    public DiskReserveTests() => _reserve = new DiskReserve(_folder.Path);

    private string File => _folder.File(DiskReserve.FileName);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Delete_DiskIsFull_GetsTheRoomOfTheReserve()
    {
        _reserve.Fill();
        new FileInfo(File).Length.ShouldBeGreaterThan(1 << 20);

        _reserve.Delete(() => System.IO.File.Exists(File) ? throw new IOException("full", new SqliteException("full", 13)) : 7).ShouldBe(7);

        _reserve.Fill();
        System.IO.File.Exists(File).ShouldBeTrue();
    }

    [Fact]
    public async Task Fill_DeletionNeedsTheRoom_WaitsForIt()
    {
        _reserve.Fill();
        var fill = Task.CompletedTask;

        _reserve.Delete(() =>
        {
            if (System.IO.File.Exists(File)) throw new IOException("full", new SqliteException("full", 13));
            using var begun = new ManualResetEventSlim();
            fill = Task.Run(() =>
            {
                begun.Set();
                _reserve.Fill();
            });
            begun.Wait();
            Thread.Sleep(50);
            System.IO.File.Exists(File).ShouldBeFalse();
            return true;
        });

        await fill;
        System.IO.File.Exists(File).ShouldBeTrue();
    }

    [Fact]
    public void Delete_DiskIsBroken_KeepsTheReserve()
    {
        _reserve.Fill();

        Should.Throw<IOException>(() => _reserve.Delete<int>(() => throw new IOException("broken")));

        System.IO.File.Exists(File).ShouldBeTrue();
    }
}
