using LoraServe.Api;

namespace LoraServe.Hosting;

/// <summary>Registers the engine for the rest of the server.</summary>
internal static class EngineRegistration
{
    /// <summary>
    /// Loads the engine once the server has started. Resolving it earlier throws <see cref="EngineNotReadyException"/>; a later attempt
    /// succeeds.
    /// </summary>
    public static IServiceCollection AddEngine(this IServiceCollection services)
    {
        services.AddSingleton<EngineService>();
        services.AddSingleton(provider => provider.GetRequiredService<EngineService>().Engine);
        services.AddSingleton(provider => provider.GetRequiredService<EngineService>().Trainer);
        // The build starts the application without a model to write the API description.
        if (!ApiDescription.IsBeingGenerated) services.AddHostedService(provider => provider.GetRequiredService<EngineService>());
        return services;
    }

    /// <summary>Refuses requests while the model is loading or could not be loaded, and while the server is stopping.</summary>
    /// <exception cref="EngineNotReadyException">In a request.</exception>
    public static TBuilder RequireEngine<TBuilder>(this TBuilder routes)
        where TBuilder : IEndpointConventionBuilder =>
        routes.AddEndpointFilter((context, next) =>
        {
            context.HttpContext.RequestServices.GetRequiredService<EngineService>().CheckReady();
            return next(context);
        });
}
