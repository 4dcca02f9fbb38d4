using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Generation;
using LoraServe.Hosting;
using LoraServe.Keys;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LoraServe.Api.Models;

/// <summary>The models that requests can name.</summary>
internal static class ModelsApi
{
    public static IEndpointRouteBuilder MapModels(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/v1/models").WithTags("Models").RequireEngine();
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
    internal static Ok<ModelList> List(LlmEngine engine, AdapterAccess access)
    {
        var adapters = engine.Adapters.List().Where(adapter => access.Allows(adapter.Name));
        var cards = adapters.Select(adapter => ModelCard.Adapter(adapter, engine.Model.Name));
        return TypedResults.Ok(new ModelList { Data = access.AllowsBase ? [Base(engine), .. cards] : [.. cards] });
    }

    /// <summary>The base model or one adapter.</summary>
    /// <param name="id" example="summarize">Its name.</param>
    /// <response code="200">The model.</response>
    /// <response code="404">No adapter or model has this name.</response>
    internal static Ok<ModelCard> Get(LlmEngine engine, AdapterAccess access, string id)
    {
        if (id == engine.Model.Name && access.AllowsBase) return TypedResults.Ok(Base(engine));
        access.Check(id);
        var adapter = engine.Adapters.Find(id) ?? throw new UnknownAdapterException(id);
        return TypedResults.Ok(ModelCard.Adapter(adapter, engine.Model.Name));
    }

    /// <summary>Prove that the base is as it was loaded: compute the checksum over all of its weights again.</summary>
    /// <param name="id" example="loraserve-demo">The base model's name.</param>
    /// <response code="200">Both checksums, and whether they are equal.</response>
    /// <response code="404">There is no such base model.</response>
    internal static async Task<Ok<ModelVerification>> VerifyAsync(LlmEngine engine, string id, CancellationToken cancellationToken)
    {
        if (id != engine.Model.Name) throw new UnknownAdapterException(id);
        return TypedResults.Ok(new ModelVerification
        {
            Id = engine.Model.Name,
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
        LlmEngine engine, string organization, string id, CancellationToken cancellationToken) =>
        VerifyAsync(engine, $"{organization}/{id}", cancellationToken);

    private static ModelCard Base(LlmEngine engine) => ModelCard.Base(engine.Model, engine.Model.Name, engine.Model.Loaded);
}
