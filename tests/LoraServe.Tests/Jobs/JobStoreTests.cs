using LoraServe.Jobs;
using LoraServe.Jobs.Storage;
using LoraServe.Keys;
using LoraServe.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Tests.Jobs;

public sealed class JobStoreTests : IDisposable
{
    private const string Kind = "evaluation";
    private const int Most = 2;

    private readonly string _folder = Directory.CreateTempSubdirectory("loraserve-").FullName;
    private readonly DataFolder _data;
    private readonly JobDatabase _database;
    private readonly JobStore _store;

    public JobStoreTests()
    {
        _data = new DataFolder(new LoraServeOptions { Data = _folder }, TimeProvider.System, NullLogger<DataFolder>.Instance);
        _database = JobDatabase.Open(_data, rebuild: false, NullLogger.Instance);
        _store = new JobStore(_database, TimeProvider.System);
    }

    public void Dispose()
    {
        _database.Dispose();
        _data.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Add_OneJobTooManyOfAnOwner_LeavesRoomForOthers()
    {
        var first = Add("a", 1);
        Add("a", 2);
        _store.Change(first.Id, job => job with { IsPaused = true });

        Should.Throw<JobQueueFullException>(() => Add("a", 3)).Message.ShouldContain("2 jobs of yours");
        Add("b", 4);
        _store.Change(first.Id, job => job with { Status = JobStatus.Cancelled });
        Add("a", 5);

        _store.Find("job-3").ShouldBeNull();
    }

    [Fact]
    public void Add_OneJobTooManyOfAll_IsRefused()
    {
        for (var i = 0; i < 10 * Most; i++) Add($"owner-{i}", i);

        Should.Throw<JobQueueFullException>(() => Add("another", 99)).Message.ShouldContain("20 jobs");
    }

    [Fact]
    public void AddCheckpoint_NewOne_ForgetsAttempts()
    {
        var job = _store.Change(Add("a", 1).Id, found => found with { Attempts = 3 });

        _store.AddCheckpoint(job.Id, 5, "run/checkpoints/step-5").ShouldBeTrue();
        _store.Find(job.Id)!.Attempts.ShouldBe(0);
        _store.Change(job.Id, found => found with { Attempts = 2 });
        _store.AddCheckpoint(job.Id, 5, "run/checkpoints/step-5").ShouldBeFalse();
        _store.Find(job.Id)!.Attempts.ShouldBe(2);
        _store.Change(job.Id, found => found with { Result = "{}" }).Attempts.ShouldBe(0);
    }

    [Fact]
    public void AddEvents_StepsAgain_TakeThePlaceOfCheckpointsToo()
    {
        var job = Add("a", 1);
        _store.AddCheckpoint(job.Id, 3, "run/checkpoints/step-3");
        _store.AddCheckpoint(job.Id, 6, "run/checkpoints/step-6");

        _store.AddEvents(job.Id, [new JobEvent("Step 4") { Step = 4 }], replaceFrom: 4);

        _store.Checkpoints(job.Id).ShouldHaveSingleItem().Step.ShouldBe(3);
    }

    [Fact]
    public void Change_JobThatWasDeletedMeanwhile_IsUnknown()
    {
        var job = _store.Change(Add("a", 1).Id, found => found with { Status = JobStatus.Cancelled });
        _store.Delete(job);

        Should.Throw<UnknownJobException>(() => _store.Change(job.Id, found => found with { IsPaused = true })).Message.ShouldContain(job.Id);
    }

    private StoredJob Add(string owner, int number) =>
        _store.Add($"job-{number}", Kind, Caller.CommandLine with { Id = owner }, "{}", Most);
}
