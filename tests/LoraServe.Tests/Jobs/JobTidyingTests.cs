using LoraServe.Engine.Training;
using LoraServe.Files;
using LoraServe.Jobs;
using LoraServe.Jobs.Storage;
using LoraServe.Keys;
using LoraServe.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Tests.Jobs;

public sealed class JobTidyingTests : IDisposable
{
    private const string Id = "job-1";
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(200);

    private readonly string _folder = Directory.CreateTempSubdirectory("loraserve-").FullName;
    private readonly DataFolder _data;
    private readonly JobDatabase _database;
    private readonly JobStore _store;
    private readonly JobFolders _folders;

    public JobTidyingTests()
    {
        _data = new DataFolder(new LoraServeOptions { Data = _folder }, TimeProvider.System, NullLogger<DataFolder>.Instance);
        _database = JobDatabase.Open(_data, rebuild: false, NullLogger.Instance);
        _store = new JobStore(_database, TimeProvider.System);
        _folders = new JobFolders(_store, new FileStore(_database, _data, TimeProvider.System, NullLogger<FileStore>.Instance), _data);
        _store.Add(Id, Kind.Called, Caller.CommandLine, "{}", most: 1);
        Directory.CreateDirectory(_folders.Of(Id));
    }

    public void Dispose()
    {
        _database.Dispose();
        _data.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task DeleteFolder_WhileItIsTidied_WaitsForTheEnd()
    {
        using var began = new ManualResetEventSlim();
        using var deletes = new ManualResetEventSlim();
        var isWhole = false;
        var cancellation = TestContext.Current.CancellationToken;
        var tidying = Tidying(() =>
        {
            began.Set();
            deletes.Wait(cancellation);
            isWhole = !SpinWait.SpinUntil(() => !Directory.Exists(_folders.Of(Id)), Moment);
        });
        End();

        var tidied = Task.Run(() => tidying.Tidy(Id), cancellation);
        began.Wait(cancellation);
        var deleted = Task.Run(
            () =>
            {
                deletes.Set();
                tidying.DeleteFolder(Id);
            },
            cancellation);
        await Task.WhenAll(tidied, deleted);

        Directory.Exists(_folders.Of(Id)).ShouldBeFalse();
        isWhole.ShouldBeTrue();
    }

    [Fact]
    public void Tidy_WhatCannotBeDeleted_IsPassedOver()
    {
        var count = 0;
        var tidying = Tidying(() =>
        {
            count++;
            throw new IOException("in use");
        });

        tidying.Tidy(Id);
        count.ShouldBe(0);
        End();
        tidying.Tidy(Id);
        count.ShouldBe(1);
        tidying.DeleteFolder(Id);

        Directory.Exists(_folders.Of(Id)).ShouldBeFalse();
    }

    private void End() => _store.Change(Id, job => job with { Status = JobStatus.Cancelled });

    private JobTidying Tidying(Action tidy) => new([new Kind(tidy)], _store, _folders, NullLogger<JobTidying>.Instance);

    private sealed class Kind(Action tidy) : JobKind
    {
        public const string Called = "evaluation";

        public override string Name => Called;

        public override Task ValidateAsync(StoredJob job, LoraTrainer trainer, CancellationToken cancellationToken) => Task.CompletedTask;

        public override Task<string> RunAsync(StoredJob job, LoraTrainer trainer, CancellationToken cancellationToken) => Task.FromResult("{}");

        public override void Tidy(StoredJob job) => tidy();
    }
}
