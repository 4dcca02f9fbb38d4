namespace LoraServe.Hosting;

/// <summary>What a server would read that is started in the same place without arguments, for commands that go with it.</summary>
internal static class ServerConfiguration
{
    /// <summary>Its data folder.</summary>
    public static string Data =>
        Read()[$"{LoraServeOptions.Section}:{nameof(LoraServeOptions.Data)}"] is { Length: > 0 } data ? data : new LoraServeOptions().Data;

    /// <summary>A builder of the web application that reads its settings file and the environment.</summary>
    public static WebApplicationBuilder CreateBuilder() =>
        WebApplication.CreateBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });

    /// <summary>The settings file and the environment.</summary>
    public static IConfiguration Read() => CreateBuilder().Configuration;
}
