using Microsoft.AspNetCore.Cors.Infrastructure;

namespace LoraServe.Hosting;

/// <summary>Restricts what browsers do with responses: no sniffing, no framing, no referrer, and only named origins may read them.</summary>
internal static class BrowserRules
{
    // The Swagger page loads its scripts from files and has some inline styles.
    private const string ContentPolicy =
        "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'self'; "
        + "object-src 'none'; frame-ancestors 'none'";

    private static readonly string[] ReadableHeaders =
    [
        "x-request-id", "x-loraserve-adapter", "retry-after", "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests", "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens",
    ];

    public static IServiceCollection AddBrowserRules(this IServiceCollection services)
    {
        services.AddCors();
        services.AddOptions<CorsOptions>().Configure<LoraServeOptions>((cors, options) => cors.AddDefaultPolicy(policy => policy
            .WithOrigins([.. options.CorsOriginList])
            .AllowAnyHeader()
            .AllowAnyMethod()
            .WithExposedHeaders(ReadableHeaders)));
        return services;
    }

    public static WebApplication UseBrowserRules(this WebApplication app)
    {
        app.Use((context, next) =>
        {
            // Set when the response starts, since an error clears headers set earlier.
            context.Response.OnStarting(() =>
            {
                var headers = context.Response.Headers;
                headers.XContentTypeOptions = "nosniff";
                headers["Referrer-Policy"] = "no-referrer";
                headers.ContentSecurityPolicy = ContentPolicy;
                headers.XFrameOptions = "DENY";
                return Task.CompletedTask;
            });
            return next(context);
        });
        if (app.Services.GetRequiredService<LoraServeOptions>().CorsOriginList.Count > 0) app.UseCors();
        return app;
    }
}
