namespace LoraServe.Hosting;

/// <summary>
/// HEAD wherever there is GET: the same route gives the same answer, of which the web server sends the headers alone. Behind this the
/// request is a GET.
/// </summary>
internal static class HeadRequests
{
    private static readonly object Mark = new();

    /// <summary>Chooses the route as well: what comes later finds the one of GET.</summary>
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
                // Logs tell what was asked.
                context.Request.Method = HttpMethods.Head;
            }
        });
        app.UseRouting();
        return app;
    }

    /// <summary>Whether nobody gets the body, so that it need not be made.</summary>
    public static bool WantsHeadersOnly(this HttpContext context) => context.Items.ContainsKey(Mark);
}
