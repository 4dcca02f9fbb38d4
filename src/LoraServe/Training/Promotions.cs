using LoraServe.Api.Adapters;
using LoraServe.Api.FineTuning;
using LoraServe.Engine.Generation;
using LoraServe.Jobs;
using LoraServe.Keys;

namespace LoraServe.Training;

/// <summary>Carries out promotions.</summary>
internal sealed class Promotions(LlmEngine engine, TrainedAdapters adapters)
{
    /// <summary>Points a name at a checkpoint or result if its figures meet the conditions.</summary>
    /// <exception cref="ConditionsNotMetException">The conditions do not hold.</exception>
    /// <exception cref="UnknownJobException">The checkpoint was deleted in the meantime.</exception>
    /// <exception cref="PermissionException">The caller may not use the name.</exception>
    public async Task<PromotionResource> PromoteAsync(
        HttpContext context, StoredJob job, string alias, string folder, int step, FiguresResource? figures, PromotionConditions conditions)
    {
        var caller = context.User.Caller();
        AdaptersApi.CheckName(engine.Model, alias, "alias");
        caller.Access.CheckTarget(alias);
        conditions.Check(figures);
        var (before, after) = await adapters.PromoteAsync(
            context, job, alias, folder, Provenance.Of(job.Id, job.ResultAs<FineTuningState>(), step, figures));
        return new PromotionResource
        {
            FineTuningJobId = job.Id,
            StepNumber = step,
            Alias = alias,
            Version = after.Version.Value,
            PreviousVersion = before?.Version.Value,
            Figures = figures,
            Adapter = caller.Scopes.Grant(KeyScope.AdaptersRead) ? AdapterResource.From(after, engine, caller.Access) : null,
        };
    }
}
