using LoraServe.Api;

namespace LoraServe.Hosting;

/// <summary>How the rest of the server gets the engine.</summary>
internal static class EngineRegistration
{
    /// <summary>
    /// Loads the engine once the server has started. Whatever takes it from the container before it is loaded fails with
    /// <see cref="EngineNotReadyException"/> and can try again.
    /// </summary>
    public static IServiceCollection AddEngine(this IServiceCollection services)
    {
        services.AddSingleton<EngineService>();
        services.AddSingleton(provider => provider.GetRequiredService<EngineService>().Engine);
        services.AddSingleton(provider => provider.GetRequiredService<EngineService>().Trainer);
        // The tool that writes the API description starts the application without a model.
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
