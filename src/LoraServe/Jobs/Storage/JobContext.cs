using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace LoraServe.Jobs.Storage;

/// <summary>The tables of jobs, their events, and the files that they read and write.</summary>
internal sealed class JobContext(DbContextOptions<JobContext> options) : DbContext(options)
{
    public DbSet<FileRow> Files => Set<FileRow>();

    public DbSet<JobRow> Jobs => Set<JobRow>();

    public DbSet<EventRow> Events => Set<EventRow>();

    public DbSet<CheckpointRow> Checkpoints => Set<CheckpointRow>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        var file = modelBuilder.Entity<FileRow>();
        file.ToTable("Files").HasKey(row => row.Number);
        file.HasIndex(row => row.Id).IsUnique();

        var job = modelBuilder.Entity<JobRow>();
        job.ToTable("Jobs").HasKey(row => row.Number);
        job.HasIndex(row => row.Id).IsUnique();
        job.HasIndex(row => new { row.Kind, row.Status });

        var happened = modelBuilder.Entity<EventRow>();
        happened.ToTable("Events").HasKey(row => row.Number);
        happened.HasIndex(row => new { row.JobId, row.Step });
        happened.HasIndex(row => new { row.JobId, row.Number });

        var checkpoint = modelBuilder.Entity<CheckpointRow>();
        checkpoint.ToTable("Checkpoints").HasKey(row => row.Number);
        checkpoint.HasIndex(row => new { row.JobId, row.Step }).IsUnique();
    }
}

/// <summary>Lets dotnet ef create migrations without a server.</summary>
internal sealed class JobContextFactory : IDesignTimeDbContextFactory<JobContext>
{
    public JobContext CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<JobContext>().UseSqlite("Data Source=:memory:").Options);
}
