namespace LoraServe.Hosting;

/// <summary>The configuration of a server started in the same folder without arguments, for commands that belong to it.</summary>
internal static class ServerConfiguration
{
    /// <summary>Its data folder.</summary>
    public static string Data =>
        Read()[$"{LoraServeOptions.Section}:{nameof(LoraServeOptions.Data)}"] is { Length: > 0 } data ? data : new LoraServeOptions().Data;

    /// <summary>A web application builder that reads the settings file and the environment.</summary>
    public static WebApplicationBuilder CreateBuilder() =>
        WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });

    /// <summary>The settings file and the environment.</summary>
    public static IConfiguration Read() => CreateBuilder().Configuration;
}
