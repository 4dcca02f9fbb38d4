using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace LoraServe.Keys.Storage;

/// <summary>The tables of keys and of what was done with them.</summary>
internal sealed class KeyContext(DbContextOptions<KeyContext> options) : DbContext(options)
{
    public DbSet<KeyRow> Keys => Set<KeyRow>();

    public DbSet<UploadRow> Uploads => Set<UploadRow>();

    public DbSet<AuditRow> Audit => Set<AuditRow>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<KeyRow>().ToTable("Keys").HasKey(row => row.Id);

        var upload = modelBuilder.Entity<UploadRow>();
        upload.ToTable("Uploads").HasKey(row => new { row.Name, row.Version });
        upload.HasIndex(row => row.KeyId);

        modelBuilder.Entity<AuditRow>().ToTable("Audit").HasKey(row => row.Id);
    }
}

/// <summary>Lets dotnet ef create migrations without a server.</summary>
internal sealed class KeyContextFactory : IDesignTimeDbContextFactory<KeyContext>
{
    public KeyContext CreateDbContext(string[] args) => new(new DbContextOptionsBuilder<KeyContext>().UseSqlite("Data Source=:memory:").Options);
}
