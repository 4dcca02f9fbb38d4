using Microsoft.EntityFrameworkCore;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>The tables of the registry.</summary>
internal sealed class RegistryContext(DbContextOptions<RegistryContext> options) : DbContext(options)
{
    public DbSet<AliasRow> Aliases => Set<AliasRow>();

    public DbSet<VersionRow> Versions => Set<VersionRow>();

    public DbSet<FolderRow> Folders => Set<FolderRow>();

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        var alias = modelBuilder.Entity<AliasRow>();
        alias.ToTable("Aliases").HasKey(row => row.Name);
        alias.HasMany(row => row.History).WithOne().HasForeignKey(row => row.Name).OnDelete(DeleteBehavior.Cascade);
        alias.HasMany(row => row.Parts).WithOne().HasForeignKey(row => row.Name).OnDelete(DeleteBehavior.Cascade);
        alias.Property(row => row.Mode).HasConversion<string>();

        var history = modelBuilder.Entity<HistoryRow>();
        history.ToTable("History").HasKey(row => new { row.Name, row.Version });
        history.HasOne<VersionRow>().WithMany().HasForeignKey(row => row.Version).OnDelete(DeleteBehavior.Restrict);

        modelBuilder.Entity<MixPartRow>().ToTable("MixParts").HasKey(row => new { row.Name, row.Position });
        modelBuilder.Entity<VersionRow>().ToTable("Versions").HasKey(row => row.Version);

        var folder = modelBuilder.Entity<FolderRow>();
        folder.ToTable("Folders").HasKey(row => row.Path);
        folder.HasOne<VersionRow>().WithMany().HasForeignKey(row => row.Version).OnDelete(DeleteBehavior.Restrict);
    }
}
