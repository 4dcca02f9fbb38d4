using LoraServe.Engine.Adapters.Store;
using LoraServe.Engine.Storage;
using LoraServe.Tests;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Storage;

public sealed class SchemaMigrationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Path => _folder.File("registry.db");

    private Trash Trash => new(_folder.Path, TimeProvider.System, NullLogger.Instance);

    public void Dispose() => _folder.Dispose();

    /// <summary>EF Core waits without end and without a word for the row that a killed process left.</summary>
    [Fact]
    public async Task Open_LockOfAKilledMigration_IsTakenOver()
    {
        Execute("CREATE TABLE __EFMigrationsLock (Id INTEGER NOT NULL PRIMARY KEY, Timestamp TEXT NOT NULL)", "INSERT INTO __EFMigrationsLock VALUES (1, '2026-01-01')");

        using var registry = await Task.Run(() => AdapterRegistry.Open(Path, Trash)).WaitAsync(TimeSpan.FromSeconds(20));

        registry.Read().Aliases.ShouldBeEmpty();
    }

    [Fact]
    public void Apply_AnotherProcessIsAtIt_SaysSoAfterAWhile()
    {
        using var held = DataFolderLock.Take($"{Path}.migrating");
        using var context = new RegistryContext(new DbContextOptionsBuilder<RegistryContext>().UseSqlite($"Data Source={Path};Pooling=False").Options);
        var migration = new SchemaMigration(Path, NullLogger.Instance) { Wait = TimeSpan.FromMilliseconds(100) };

        Should.Throw<IOException>(() => migration.Apply(context.Database)).Message.ShouldContain("another process");

        held.Dispose();
        migration.Apply(context.Database);
        context.Aliases.Count().ShouldBe(0);
    }

    [Fact]
    public void Open_DatabaseOfANewerRelease_IsRefusedByName()
    {
        AdapterRegistry.Open(Path, Trash).Dispose();
        Execute("INSERT INTO __EFMigrationsHistory VALUES ('29990101000000_Future', '99.0.0')");

        var message = Should.Throw<IOException>(() => AdapterRegistry.Open(Path, Trash)).Message;

        message.ShouldContain("newer LoraServe");
        message.ShouldContain("29990101000000_Future");
    }

    private void Execute(params string[] statements)
    {
        using var connection = new SqliteConnection($"Data Source={Path};Pooling=False");
        connection.Open();
        foreach (var statement in statements)
        {
            using var command = connection.CreateCommand();
            command.CommandText = statement;
            command.ExecuteNonQuery();
        }
    }
}
