using System.Reflection;
using LoraServe.Api.Chat;
using LoraServe.Api.Compare;
using LoraServe.Api.FineTuning;
using LoraServe.Api.Requests;
using LoraServe.Keys;
using Microsoft.OpenApi;

namespace LoraServe.Api;

/// <summary>The OpenAPI document and Swagger UI over it, to which the root leads people.</summary>
internal static class ApiDescription
{
    // As the page finds it, wherever a proxy puts both.
    private const string Document = "../openapi/v1.json";

    /// <summary>Whether the build's tool runs the application to write the document down.</summary>
    public static bool IsBeingGenerated { get; } = Assembly.GetEntryAssembly()?.GetName().Name == "GetDocument.Insider";

    public static IServiceCollection AddApiDescription(this IServiceCollection services) => services.AddHttpContextAccessor().AddOpenApi(options =>
    {
        options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
        options.AddDocumentTransformer((document, context, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "LoraServe",
                Version = "v1",
                Description = "One frozen base language model with any number of LoRA adapters, over the OpenAI API.",
                License = new OpenApiLicense { Name = "Apache-2.0", Identifier = "Apache-2.0" },
            };
            var request = context.ApplicationServices.GetRequiredService<IHttpContextAccessor>().HttpContext?.Request;
            document.Servers = [new OpenApiServer { Url = request?.PathBase is { HasValue: true } below ? below.Value : "/" }];
            KeySchemes.Describe(document);
            return Task.CompletedTask;
        });
        options.AddOperationTransformer(RequestBodies.TransformAsync);
        options.AddOperationTransformer(KeySchemes.TransformAsync);
        options.AddSchemaTransformer(UnionSchemas.TransformAsync);
        options.AddSchemaTransformer(ChatSchemas.TransformAsync);
        options.AddSchemaTransformer(CompareSchemas.TransformAsync);
        options.AddSchemaTransformer(FineTuningSchemas.TransformAsync);
    });

    public static WebApplication MapApiDescription(this WebApplication app)
    {
        app.MapOpenApi().AllowAnonymous();
        app.MapGet("/", (HttpRequest request) => TypedResults.Redirect($"{request.PathBase}/swagger")).AllowAnonymous().ExcludeFromDescription();
        app.UseSwaggerUI(ui =>
        {
            ui.DocumentTitle = "LoraServe";
            ui.SwaggerEndpoint(Document, "LoraServe");
        });
        return app;
    }
}
