using LoraServe.Engine.Adapters;
using LoraServe.Hosting;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Models;

/// <summary>What a request can name as its model.</summary>
internal static class ModelsApi
{
    public static IEndpointRouteBuilder MapModels(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/v1/models").WithTags("Models");
        group.MapGet("", List);
        // Names of models may contain slashes.
        group.MapGet("/{**id}", Get).Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        return routes;
    }

    /// <summary>The base model and all adapters.</summary>
    internal static Ok<ModelList> List(EngineService service) => TypedResults.Ok(new ModelList
    {
        Data = [Base(service), .. service.Engine.Adapters.List().Select(adapter => ModelCard.Adapter(adapter, service.BaseModel))],
    });

    /// <summary>The base model or one adapter.</summary>
    /// <param name="id" example="summarize">Its name.</param>
    /// <response code="200">The model.</response>
    /// <response code="404">No adapter or model has this name.</response>
    internal static Ok<ModelCard> Get(EngineService service, string id) => TypedResults.Ok(id == service.BaseModel
        ? Base(service)
        : ModelCard.Adapter(service.Engine.Adapters.Find(id) ?? throw new UnknownAdapterException(id), service.BaseModel));

    private static ModelCard Base(EngineService service) => ModelCard.Base(service.Engine.Model, service.BaseModel, service.Loaded);
}
