using LoraServe.Keys;
using Microsoft.AspNetCore.Diagnostics;

namespace LoraServe.Metrics;

/// <summary>Counts error responses.</summary>
internal static class HttpErrors
{
    /// <summary>Comes before anything that sets a status.</summary>
    public static IApplicationBuilder UseHttpErrorCount(this IApplicationBuilder app)
    {
        var metrics = app.ApplicationServices.GetRequiredService<ServerMetrics>();
        return app.Use(async (context, next) =>
        {
            await next(context);
            if (context.Response.StatusCode < StatusCodes.Status400BadRequest) return;
            metrics.RecordHttpError(Route(context), context.Response.StatusCode);
            if (context.Features.Get<Refusal>() is { } refusal) metrics.RecordRefusal(refusal.Limit);
        });
    }

    /// <summary>Remembers which limit of its key a request exceeded, if the exception says so.</summary>
    public static void NoteRefusal(HttpContext context, Exception exception)
    {
        var limit = exception switch
        {
            QuotaExceededException quota => quota.Limit,
            PermissionException { Code: StorageQuota.Code } => "storage",
            _ => null,
        };
        if (limit is not null) context.Features.Set(new Refusal(limit));
    }

    // The exception handler clears the request's endpoint.
    private static string Route(HttpContext context) =>
        (context.Features.Get<IExceptionHandlerFeature>()?.Endpoint ?? context.GetEndpoint()) is RouteEndpoint { RoutePattern.RawText: { } route }
            ? route
            : context.Response.StatusCode == StatusCodes.Status405MethodNotAllowed ? "(method)" : "none";

    private sealed record Refusal(string Limit);
}
