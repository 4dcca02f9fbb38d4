using Microsoft.AspNetCore.Diagnostics;

namespace LoraServe.Metrics;

/// <summary>Counts answers that are errors.</summary>
internal static class HttpErrors
{
    /// <summary>Before everything that makes a status.</summary>
    public static IApplicationBuilder UseHttpErrorCount(this IApplicationBuilder app)
    {
        var metrics = app.ApplicationServices.GetRequiredService<ServerMetrics>();
        return app.Use(async (context, next) =>
        {
            await next(context);
            if (context.Response.StatusCode >= StatusCodes.Status400BadRequest) metrics.RecordHttpError(Route(context), context.Response.StatusCode);
        });
    }

    // The exception handler forgets the endpoint of the request.
    private static string Route(HttpContext context) =>
        (context.Features.Get<IExceptionHandlerFeature>()?.Endpoint ?? context.GetEndpoint()) is RouteEndpoint { RoutePattern.RawText: { } route }
            ? route
            : "none";
}
