using LoraServe.Api;
using LoraServe.Engine.Storage;
using LoraServe.Storage;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;

namespace LoraServe.Hosting;

/// <summary>
/// The keys that ASP.NET's authentication makes at the start to protect what it hands out: kept in the data folder, for its owner only,
/// in the place of the home folder, which a container does not keep or does not have.
/// </summary>
internal static class ProtectionKeys
{
    /// <summary>Their folder within the data folder.</summary>
    public const string Folder = "protection-keys";

    public static IServiceCollection AddProtectionKeys(this IServiceCollection services)
    {
        // The build's tool has no data folder.
        if (ApiDescription.IsBeingGenerated) return services;
        services.AddDataProtection();
        services.AddOptions<KeyManagementOptions>().Configure<DataFolder, ILoggerFactory>((keys, data, loggers) => keys.XmlRepository =
            new FileSystemXmlRepository(new DirectoryInfo(OwnerOnly.CreateFolder(Path.Combine(data.Path, Folder))), loggers));
        return services;
    }
}
