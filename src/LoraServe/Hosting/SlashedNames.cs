using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Hosting;

/// <summary>
/// Names with a slash, org/name, in paths. Routes have one segment for a name, so the slash is %2F, as most clients send it anyway,
/// until the route is selected, and a slash afterwards.
/// </summary>
internal static class SlashedNames
{
    private const string Slash = "%2F";

    /// <summary>Comes before the route is selected.</summary>
    public static WebApplication UseSlashedPaths(this WebApplication app)
    {
        app.Use((context, next) =>
        {
            context.Request.Path = Join(context.Request.Path);
            return next(context);
        });
        return app;
    }

    /// <summary>Comes after the route is selected.</summary>
    public static WebApplication UseSlashedNames(this WebApplication app)
    {
        app.Use((context, next) =>
        {
            var values = context.Request.RouteValues;
            foreach (var (key, value) in values.ToList())
            {
                if (value is string text && text.Contains(Slash, StringComparison.OrdinalIgnoreCase))
                    values[key] = text.Replace(Slash, "/", StringComparison.OrdinalIgnoreCase);
            }

            return next(context);
        });
        return app;
    }

    /// <summary>A name as a segment of a path.</summary>
    public static string Segment(string name) => name.Replace("/", Slash);

    // /v1/adapters/acme/sql/effect is /v1/adapters/acme%2Fsql/effect. Words that can follow a name are reserved, so this is unambiguous.
    private static PathString Join(PathString path) => path.Value?.TrimEnd('/').Split('/') switch
    {
        ["", "v1", "adapters", { Length: > 0 } organization, { Length: > 0 } name, .. { Length: <= 1 } rest]
            when rest.Length == 1 || !AdapterName.ReservedSegments.Contains(name) =>
            new PathString($"/v1/adapters/{organization}{Slash}{string.Join('/', [name, .. rest])}"),
        _ => path,
    };
}
