using System.Runtime.Versioning;
using LoraServe.Files;
using LoraServe.Jobs;
using LoraServe.Jobs.Storage;
using LoraServe.Keys;
using LoraServe.Keys.Storage;
using LoraServe.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Tests.Storage;

/// <summary>What a start makes of the files and jobs of a data folder whose database is not the one that belongs to them.</summary>
public sealed class DataFolderTests : IDisposable
{
    private const string Evaluation = "evaluation";

    private readonly string _folder = Directory.CreateTempSubdirectory("loraserve-").FullName;

    private string Database => Path.Combine(_folder, "jobs.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("emptied")]
    [InlineData("removed")]
    [InlineData("older")]
    [InlineData("older with its generation")]
    [InlineData("garbage")]
    [InlineData("without its generation")]
    public void Open_DatabaseIsNotThatOfTheFiles_IsRefusedAndRebuilt(string damage)
    {
        string first;
        using (var server = new Stores(_folder)) first = server.AddFile("first");
        File.Copy(Database, Older(".db"));
        File.Copy(Path.ChangeExtension(Database, ".generation"), Older(".generation"));
        string second;
        using (var server = new Stores(_folder))
        {
            second = server.AddFile("second");
            server.AddJob("evaljob-1");
            server.Jobs.Change("evaljob-1", job => job with { Status = JobStatus.Succeeded, Result = """{"a":1}""" });
            server.Jobs.AddCheckpoint("evaljob-1", 5, "run/checkpoints/step-5");
        }

        Directory.CreateDirectory(Path.Combine(_folder, "training", "evaljob-1", "run", "checkpoints", "step-5"));
        Damage(damage);

        Should.Throw<IOException>(() => new Stores(_folder)).Message.ShouldContain("--rebuild-registry");
        Directory.GetFiles(Path.Combine(_folder, "files")).Length.ShouldBe(2);

        using (var rebuilt = new Stores(_folder, rebuild: true))
        {
            rebuilt.Sweep();
            rebuilt.Files.Get(first, Caller.CommandLine with { Id = "me" }).Name.ShouldBe("first");
            rebuilt.Files.Get(second, Caller.CommandLine with { Id = "me" }).Name.ShouldBe("second");
            var job = rebuilt.Jobs.Find("evaljob-1")!;
            (job.Status, job.Result, job.Owner).ShouldBe((JobStatus.Succeeded, """{"a":1}""", "me"));
            rebuilt.Jobs.Checkpoints("evaljob-1").ShouldHaveSingleItem().Folder.ShouldBe("run/checkpoints/step-5");
        }

        using var again = new Stores(_folder);
        again.Jobs.Find("evaljob-1").ShouldNotBeNull();
    }

    [Fact]
    public void Open_WholeDatabaseIsToBeRebuilt_KeepsWhatHappened()
    {
        using (var server = new Stores(_folder))
        {
            server.AddJob("evaljob-1");
            server.Jobs.AddEvents("evaljob-1", [new JobEvent("happened")]);
        }

        using var again = new Stores(_folder, rebuild: true);

        again.Jobs.Events("evaljob-1", before: null, limit: 10).Items.ShouldHaveSingleItem().Message.ShouldBe("happened");
    }

    [Fact]
    public void Open_HealthyDatabaseThatCannotBeUsed_IsNotRebuilt()
    {
        new Stores(_folder).Dispose();
        Execute(Database, "INSERT INTO __EFMigrationsHistory VALUES ('29990101000000_Future', '99.0.0')");

        Should.Throw<IOException>(() => new Stores(_folder, rebuild: true)).Message.ShouldContain("newer LoraServe");

        Directory.Exists(Path.Combine(_folder, "trash")).ShouldBeFalse();
    }

    [Fact]
    public void Change_CopyCannotBeMade_IsMadeUpForAtTheNextStart()
    {
        var copy = Path.Combine(_folder, "index", "jobs", "evaljob-1.json");
        using (var server = new Stores(_folder))
        {
            server.AddJob("evaljob-1");
            Directory.CreateDirectory($"{copy}.tmp");
            server.Jobs.Change("evaljob-1", job => job with { Status = JobStatus.Succeeded });
            Directory.Delete($"{copy}.tmp");
        }

        using var again = new Stores(_folder);

        File.ReadAllText(copy).ShouldContain("Succeeded");
    }

    [Fact]
    public void Open_RebuildFails_LeavesNoHalf()
    {
        using (var server = new Stores(_folder)) server.AddFile("first");
        File.Delete(Database);
        var generation = Path.ChangeExtension(Database, ".generation");
        File.Delete(generation);
        Directory.CreateDirectory(generation);
        Should.Throw<IOException>(() => new Stores(_folder, rebuild: true));
        Directory.Delete(generation);

        Should.Throw<IOException>(() => new Stores(_folder)).Message.ShouldContain("is empty");
    }

    [Fact]
    public void Open_DatabaseOfAnEarlierReleaseBesideNewerCopies_IsRefused()
    {
        using (var server = new Stores(_folder)) server.AddFile("first");
        File.Copy(Database, Older(".db"));
        using (var server = new Stores(_folder)) server.AddFile("second");
        File.Delete(Path.ChangeExtension(Database, ".generation"));
        File.Move(Older(".db"), Database, overwrite: true);
        Execute(Database, "DROP TABLE DataGeneration");

        Should.Throw<IOException>(() => new Stores(_folder)).Message.ShouldContain("does not know");

        Directory.GetFiles(Path.Combine(_folder, "index", "files")).Length.ShouldBe(2);
    }

    [Fact]
    public void Sweep_FilesAndFoldersThatNobodyKnows_GoIntoTheTrash()
    {
        using var server = new Stores(_folder);
        server.AddFile("known");
        File.WriteAllText(Path.Combine(_folder, "files", "file-unknown"), "precious");
        File.WriteAllText(Path.Combine(_folder, "files", "incoming", "strange"), "precious too");
        File.WriteAllText(server.Files.BeginFile(), "unfinished");
        Directory.CreateDirectory(Path.Combine(_folder, "training", "ftjob-unknown"));

        server.Sweep();

        Directory.GetFileSystemEntries(Path.Combine(_folder, "trash")).Select(path => Path.GetFileName(path)[17..]).Order(StringComparer.Ordinal)
            .ShouldBe(["files-file-unknown", "files-incoming-strange", "training-ftjob-unknown"]);
        Directory.GetFiles(Path.Combine(_folder, "files")).Length.ShouldBe(1);
        Directory.GetFiles(Path.Combine(_folder, "files", "incoming")).ShouldBeEmpty();
    }

    [Fact]
    public void Open_DatabaseOfAnEarlierRelease_IsTakenOver()
    {
        string id;
        using (var server = new Stores(_folder)) id = server.AddFile("first");
        File.Delete(Path.ChangeExtension(Database, ".generation"));
        Directory.Delete(Path.Combine(_folder, "index"), recursive: true);
        Execute(Database, "DROP TABLE DataGeneration");

        using var restarted = new Stores(_folder);

        restarted.Files.Get(id, Caller.CommandLine with { Id = "me" }).Name.ShouldBe("first");
        File.Exists(Path.Combine(_folder, "index", "files", $"{id}.json")).ShouldBeTrue();
    }

    [Fact]
    public void Open_SecondServer_IsRefused()
    {
        using var server = new Stores(_folder);

        Should.Throw<IOException>(() => new Stores(_folder)).Message.ShouldContain("another LoraServe");
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void Open_FolderThatOthersCanRead_IsTightened()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such rights.");
        using (var server = new Stores(_folder)) server.AddFile("first");
        const UnixFileMode wide = (UnixFileMode)0b111_101_101;
        foreach (var path in Directory.GetFileSystemEntries(_folder, "*", SearchOption.AllDirectories).Append(_folder)) File.SetUnixFileMode(path, wide);

        using var restarted = new Stores(_folder);

        var others = Directory.GetFileSystemEntries(_folder, "*", SearchOption.AllDirectories).Append(_folder)
            .Where(path => ((int)File.GetUnixFileMode(path) & 0b111_111) != 0);
        others.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("jobs.db")]
    [InlineData("keys.db")]
    public async Task Open_LockOfAKilledMigration_IsTakenOver(string name)
    {
        var path = Path.Combine(_folder, name);
        Execute(path, "CREATE TABLE __EFMigrationsLock (Id INTEGER NOT NULL PRIMARY KEY, Timestamp TEXT NOT NULL)");
        Execute(path, "INSERT INTO __EFMigrationsLock VALUES (1, '2026-01-01')");

        await Task.Run(() =>
        {
            if (name == "keys.db") KeyDatabase.Open(_folder).Dispose();
            else new Stores(_folder).Dispose();
        }).WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Theory]
    [InlineData("jobs.db")]
    [InlineData("keys.db")]
    public void Open_DatabaseOfANewerRelease_IsRefusedByName(string name)
    {
        new Stores(_folder).Dispose();
        KeyDatabase.Open(_folder).Dispose();
        Execute(Path.Combine(_folder, name), "INSERT INTO __EFMigrationsHistory VALUES ('29990101000000_Future', '99.0.0')");

        Should.Throw<IOException>(() =>
        {
            KeyDatabase.Open(_folder).Dispose();
            new Stores(_folder).Dispose();
        }).Message.ShouldContain("29990101000000_Future");
    }

    private static void Execute(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private string Older(string end) => Path.Combine(_folder, "..", $"{Path.GetFileName(_folder)}.older{end}");

    private void Damage(string damage)
    {
        if (damage == "emptied") File.WriteAllText(Database, "");
        if (damage == "removed") File.Delete(Database);
        if (damage.StartsWith("older", StringComparison.Ordinal)) File.Copy(Older(".db"), Database, overwrite: true);
        if (damage == "older with its generation") File.Copy(Older(".generation"), Path.ChangeExtension(Database, ".generation"), overwrite: true);
        if (damage == "garbage") File.WriteAllText(Database, new string('x', 20_000));
        if (damage == "without its generation") File.Delete(Path.ChangeExtension(Database, ".generation"));
        File.Delete(Older(".db"));
        File.Delete(Older(".generation"));
    }

    private sealed class Stores : IDisposable
    {
        private readonly DataFolder _data;
        private readonly JobDatabase _database;
        private readonly JobFolders _folders;

        public Stores(string folder, bool rebuild = false)
        {
            _data = new DataFolder(new LoraServeOptions { Data = folder }, TimeProvider.System, NullLogger<DataFolder>.Instance);
            try
            {
                _database = JobDatabase.Open(_data, rebuild, NullLogger.Instance);
            }
            catch
            {
                _data.Dispose();
                throw;
            }

            Files = new FileStore(_database, _data, TimeProvider.System, NullLogger<FileStore>.Instance);
            Jobs = new JobStore(_database, TimeProvider.System);
            _folders = new JobFolders(Jobs, Files, _data);
        }

        public FileStore Files { get; }

        public JobStore Jobs { get; }

        public string AddFile(string name)
        {
            var path = Files.BeginFile();
            File.WriteAllText(path, name);
            return Files.Add(path, file => file with { Owner = "me", Name = name, Purpose = FilePurpose.Evals }).Id;
        }

        public void AddJob(string id) => Jobs.Add(id, Evaluation, Caller.CommandLine with { Id = "me" }, "{}", 10);

        public void Sweep()
        {
            var later = DateTimeOffset.UtcNow.AddMinutes(1);
            Files.Sweep(later);
            _folders.Sweep(later);
        }

        public void Dispose()
        {
            _database.Dispose();
            _data.Dispose();
        }
    }
}
