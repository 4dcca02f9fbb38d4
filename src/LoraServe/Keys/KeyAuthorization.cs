using LoraServe.Audit;
using LoraServe.Keys.Storage;
using LoraServe.Storage;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.RateLimiting;

namespace LoraServe.Keys;

/// <summary>Authentication by keys, one policy for each scope, and the limits of keys.</summary>
internal static class KeyAuthorization
{
    private const string KeyPolicy = "key";

    public static IServiceCollection AddKeys(this IServiceCollection services)
    {
        services.AddSingleton(provider => KeyDatabase.Open(
            provider.GetRequiredService<DataFolder>(), provider.GetRequiredService<ILogger<KeyDatabase>>()));
        services.AddSingleton(provider => AdminKey.Read(provider.GetRequiredService<LoraServeOptions>().AdminKeyFile));
        services.AddSingleton<KeyRing>().AddSingleton<KeylessAccess>().AddSingleton<AuditLog>();
        services.AddSingleton<KeyRateLimits>().AddSingleton<StorageQuota>().AddSingleton<KeyWatch>();
        // Not AddAuthentication, which would bring data protection: it writes keys into the home folder at each start, and nothing here uses them.
        services.AddAuthenticationCore(options => options.DefaultScheme = ApiKeyHandler.Scheme).AddWebEncoders();
        new AuthenticationBuilder(services).AddScheme<AuthenticationSchemeOptions, ApiKeyHandler>(ApiKeyHandler.Scheme, configureOptions: null);
        services.AddAuthorization(options =>
        {
            foreach (var scope in KeyScopes.All)
                options.AddPolicy(scope.Name(), policy => policy.RequireAssertion(context => context.User.Caller().Scopes.Grant(scope)));
            options.AddPolicy(KeyPolicy, policy => policy.RequireAssertion(context => !context.User.Caller().IsAnonymous));
            // A route without a rule is closed. Where there is no route there is nothing to close: the answer is a 404 or a 405.
            options.FallbackPolicy = new AuthorizationPolicyBuilder()
                .RequireAssertion(context => context.Resource is HttpContext http && http.GetEndpoint() is not RouteEndpoint)
                .Build();
        });
        services.AddRateLimiter(_ => { });
        services.AddOptions<RateLimiterOptions>().Configure<KeyRateLimits>((options, limits) =>
        {
            options.GlobalLimiter = limits.Requests;
            options.OnRejected = (context, _) => limits.RefuseAsync(context);
        });
        return services;
    }

    /// <summary>Authenticates, authorizes, applies the limits, and watches for revocation while the request runs.</summary>
    public static WebApplication UseKeys(this WebApplication app)
    {
        app.UseAuthentication();
        app.UseAuthorization();
        app.Use(app.Services.GetRequiredService<KeyRateLimits>().TellAsync);
        app.UseRateLimiter();
        // Only a request opens the database: generating the API description has none.
        app.Use((context, next) => context.RequestServices.GetRequiredService<KeyWatch>().RunAsync(context, next));
        return app;
    }

    /// <summary>Lets only callers with the scope, or with admin, reach these routes.</summary>
    public static TBuilder RequireScope<TBuilder>(this TBuilder builder, KeyScope scope)
        where TBuilder : IEndpointConventionBuilder => builder.RequireAuthorization(scope.Name());

    /// <summary>Requires a key for these routes, whatever is granted without one.</summary>
    public static TBuilder RequireKey<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.RequireAuthorization(KeyPolicy);
}
