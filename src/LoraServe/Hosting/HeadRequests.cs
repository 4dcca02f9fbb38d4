namespace LoraServe.Hosting;

/// <summary>
/// HEAD wherever there is GET: the same route answers, and the web server sends only the headers. Later middleware sees a GET.
/// </summary>
internal static class HeadRequests
{
    private static readonly object Mark = new();

    /// <summary>Selects the route as well, so that later middleware finds that of GET.</summary>
    public static WebApplication UseHeadRequests(this WebApplication app)
    {
        app.Use(async (context, next) =>
        {
            if (!HttpMethods.IsHead(context.Request.Method))
            {
                await next(context);
                return;
            }

            context.Items[Mark] = Mark;
            context.Request.Method = HttpMethods.Get;
            try
            {
                await next(context);
            }
            finally
            {
                // Logs show the original method.
                context.Request.Method = HttpMethods.Head;
            }
        });
        app.UseRouting();
        return app;
    }

    /// <summary>Whether the body will be discarded and need not be produced.</summary>
    public static bool WantsHeadersOnly(this HttpContext context) => context.Items.ContainsKey(Mark);
}
