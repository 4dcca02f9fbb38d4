using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Hosting;
using LoraServe.Keys;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Api.Models;

/// <summary>What a request can name as its model.</summary>
internal static class ModelsApi
{
    public static IEndpointRouteBuilder MapModels(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/v1/models").WithTags("Models");
        group.MapGet("", List).RequireScope(KeyScope.Infer);
        // Names of models may contain slashes.
        group.MapGet("/{**id}", Get).RequireScope(KeyScope.Infer).Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        group.MapPost("/{id}/verify", VerifyAsync).RequireScope(KeyScope.Admin).Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        group.MapPost("/{organization}/{id}/verify", VerifyNamesakeAsync)
            .RequireScope(KeyScope.Admin)
            .Produces<ErrorResponse>(StatusCodes.Status404NotFound);
        return routes;
    }

    /// <summary>The base model and all adapters, as far as the caller's key may use them.</summary>
    internal static Ok<ModelList> List(EngineService service, AdapterAccess access)
    {
        var adapters = service.Engine.Adapters.List().Where(adapter => access.Allows(adapter.Name));
        var cards = adapters.Select(adapter => ModelCard.Adapter(adapter, service.BaseModel));
        return TypedResults.Ok(new ModelList { Data = access.AllowsBase ? [Base(service), .. cards] : [.. cards] });
    }

    /// <summary>The base model or one adapter.</summary>
    /// <param name="id" example="summarize">Its name.</param>
    /// <response code="200">The model.</response>
    /// <response code="404">No adapter or model has this name.</response>
    internal static Ok<ModelCard> Get(EngineService service, AdapterAccess access, string id)
    {
        if (id == service.BaseModel && access.AllowsBase) return TypedResults.Ok(Base(service));
        access.Check(id);
        var adapter = service.Engine.Adapters.Find(id) ?? throw new UnknownAdapterException(id);
        return TypedResults.Ok(ModelCard.Adapter(adapter, service.BaseModel));
    }

    /// <summary>Prove that the base is as it was loaded: compute the checksum over all of its weights again.</summary>
    /// <param name="id" example="loraserve-demo">The base model's name.</param>
    /// <response code="200">Both checksums, and whether they are equal.</response>
    /// <response code="404">There is no such base model.</response>
    internal static async Task<Ok<ModelVerification>> VerifyAsync(EngineService service, string id, CancellationToken cancellationToken)
    {
        var engine = service.Engine;
        if (id != service.BaseModel) throw new UnknownAdapterException(id);
        return TypedResults.Ok(new ModelVerification
        {
            Id = service.BaseModel,
            Fingerprint = engine.Model.Fingerprint,
            Checksum = await engine.ComputeChecksumAsync(cancellationToken),
            LoadedChecksum = engine.Model.Checksum,
        });
    }

    /// <summary>The same for a base model whose name has two parts.</summary>
    /// <param name="organization" example="HuggingFaceTB">The part before the slash.</param>
    /// <param name="id" example="SmolLM2-135M-Instruct">The part behind it.</param>
    /// <response code="200">Both checksums, and whether they are equal.</response>
    /// <response code="404">There is no such base model.</response>
    internal static Task<Ok<ModelVerification>> VerifyNamesakeAsync(
        EngineService service, string organization, string id, CancellationToken cancellationToken) =>
        VerifyAsync(service, $"{organization}/{id}", cancellationToken);

    private static ModelCard Base(EngineService service) => ModelCard.Base(service.Engine.Model, service.BaseModel, service.Loaded);
}
