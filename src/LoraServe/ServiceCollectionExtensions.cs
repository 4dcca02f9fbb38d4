using LoraServe.Api;
using LoraServe.Api.Adapters;
using LoraServe.Api.Chat;
using LoraServe.Commands;
using LoraServe.Generation;
using LoraServe.Hosting;
using LoraServe.Keys;
using LoraServe.Metrics;
using LoraServe.Storage;
using LoraServe.Training;
using Serilog;

namespace LoraServe;

/// <summary>Registers the server's services.</summary>
internal static class ServiceCollectionExtensions
{
    // Added to the time running requests get, so that connections can close.
    private static readonly TimeSpan ClosingTime = TimeSpan.FromSeconds(5);

    public static WebApplicationBuilder AddLoraServe(this WebApplicationBuilder builder)
    {
        builder.Services.AddSerilog(ServerLog.Configure);
        builder.Services.AddSingleton(provider => OptionsReader.Read(provider.GetRequiredService<IConfiguration>()));
        builder.WebHost.ConfigureKestrel(ConnectionRules.Apply);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<DataFolder>();
        builder.Services.AddKeys();
        builder.Services.AddBrowserRules();
        builder.Services.AddOptions<HostOptions>().Configure<LoraServeOptions>((host, options) =>
            host.ShutdownTimeout = TimeSpan.FromSeconds(options.ShutdownTimeout) + ClosingTime);
        builder.Services.ConfigureHttpJsonOptions(json => ApiJson.Apply(json.SerializerOptions));
        builder.Services.AddExceptionHandler<ErrorMapper>();
        // So that a query parameter of the wrong type reaches the error mapper with a reason.
        builder.Services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        builder.Services.AddSingleton<StartupConsole>();
        builder.Services.AddEngine();
        builder.Services.AddSingleton<PromptEncoder>();
        builder.Services.AddSingleton<ArrivingSequences>().AddSingleton<RequestAccounts>().AddSingleton<RequestAdmission>();
        builder.Services.AddSingleton<RequestAdapters>().AddSingleton<RequestPreparation>().AddSingleton<GenerationStart>();
        builder.Services.AddSingleton<AdapterUploads>();
        builder.Services.AddSingleton<ChatPrompts>();
        if (!ApiDescription.IsBeingGenerated) builder.Services.AddHostedService<IdleMemory>();
        builder.Services.AddTraining();
        builder.Services.AddApiDescription();
        return builder.AddTelemetry();
    }
}
