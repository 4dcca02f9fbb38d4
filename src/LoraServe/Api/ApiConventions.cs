using LoraServe.Engine.Adapters.Store;
using LoraServe.Hosting;
using LoraServe.Jobs.Storage;
using LoraServe.Keys;
using LoraServe.Metrics;
using LoraServe.Storage;
using LoraServe.Text.Faults;
using Serilog;
using Serilog.Context;
using Serilog.Events;

namespace LoraServe.Api;

/// <summary>What holds for every request: a name, one line in the log, errors in OpenAI's shape, and who may send it.</summary>
internal static class ApiConventions
{
    private const string RequestId = "x-request-id";
    private const int MaxRequestIdLength = 128;
    private const int MostOfMethod = 16;
    private const int MostOfPath = 200;

    public static WebApplication UseApiConventions(this WebApplication app)
    {
        app.UseForwardedPrefix();
        app.Use(NameRequest);
        app.UseSerilogRequestLogging(log =>
        {
            log.MessageTemplate = "{RequestMethod} {RequestPath} {StatusCode} in {Elapsed:0} ms";
            log.GetLevel = (context, _, _) => Level(context);
            log.GetMessageTemplateProperties = Properties;
        });
        app.UseHttpErrorCount();
        app.UseExceptionHandler(_ => { });
        app.UseStatusCodePages(context => ErrorMapper.WriteStatusAsync(context.HttpContext));
        app.UseSlashedPaths();
        app.UseHeadRequests();
        app.UseSlashedNames();
        app.UseBrowserRules();
        app.UseKeys();
        return app;
    }

    /// <summary>Listens where the options say, and serves until the process is told to stop.</summary>
    /// <returns>The exit code: 1 if the model could not be loaded.</returns>
    public static async Task<int> ServeAsync(this WebApplication app)
    {
        var engine = app.Services.GetRequiredService<EngineService>();
        if (!ApiDescription.IsBeingGenerated) engine.BeginLoading();
        try
        {
            if (!ApiDescription.IsBeingGenerated) CheckDataFolder(app);
            engine.AllowOpening();
            app.LogTelemetry();
            ListenAddresses.Apply(app, app.Services.GetRequiredService<LoraServeOptions>().Urls);
            await app.RunAsync();
        }
        catch (OperationCanceledException) when (engine.State == EngineState.Failed)
        {
            // The model could not be loaded before the server was ready to listen.
        }
        catch
        {
            await engine.DisposeAsync();
            throw;
        }

        return engine.State == EngineState.Failed ? 1 : 0;
    }

    // A data folder that another server has, or whose databases are not those of its files, is refused at once.
    private static void CheckDataFolder(WebApplication app)
    {
        app.Services.GetRequiredService<DataFolder>();
        app.Services.GetRequiredService<KeyRing>().CheckNotLost();
        app.Services.GetRequiredService<JobDatabase>();
        var options = app.Services.GetRequiredService<LoraServeOptions>();
        if (!options.RebuildRegistry) AdapterData.Check(options.Data, app.Logger);
        app.Services.GetRequiredService<KeylessAccess>().CheckAddresses(app.Configuration);
    }

    // The client's own name for the request is kept if it is one that can stand in a log.
    private static async Task NameRequest(HttpContext context, RequestDelegate next)
    {
        var given = context.Request.Headers[RequestId].ToString();
        var isFit = given.Length is > 0 and <= MaxRequestIdLength && given.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
        context.TraceIdentifier = isFit ? given : $"req_{Guid.NewGuid():N}";
        context.Response.OnStarting(() =>
        {
            context.Response.Headers[RequestId] = context.TraceIdentifier;
            return Task.CompletedTask;
        });
        using (LogContext.PushProperty("RequestId", context.TraceIdentifier)) await next(context);
    }

    // The path as it was sent: a line break that is decoded in it would forge a line of the log.
    private static LogEventProperty[] Properties(HttpContext context, string path, double elapsed, int status) =>
    [
        new("RequestMethod", new ScalarValue(FaultText.Cut(context.Request.Method, MostOfMethod))),
        new("RequestPath", new ScalarValue(FaultText.Cut(new PathString(path).ToUriComponent(), MostOfPath))),
        new("StatusCode", new ScalarValue(status)),
        new("Elapsed", new ScalarValue(elapsed)),
    ];

    private static LogEventLevel Level(HttpContext context) => context.Response.StatusCode switch
    {
        _ when context.Request.Path.Value is "/livez" or "/readyz" or "/health" or "/ping" => LogEventLevel.Debug,
        >= StatusCodes.Status500InternalServerError and not StatusCodes.Status503ServiceUnavailable => LogEventLevel.Error,
        >= StatusCodes.Status400BadRequest => LogEventLevel.Warning,
        _ when context.Request.Path.Value is "/metrics" => LogEventLevel.Debug,
        _ => LogEventLevel.Information,
    };
}
