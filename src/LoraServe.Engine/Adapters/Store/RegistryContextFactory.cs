using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>Lets dotnet ef make migrations without a server.</summary>
internal sealed class RegistryContextFactory : IDesignTimeDbContextFactory<RegistryContext>
{
    public RegistryContext CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<RegistryContext>().UseSqlite("Data Source=:memory:").Options);
}
