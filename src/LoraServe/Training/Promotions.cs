using LoraServe.Api.Adapters;
using LoraServe.Api.FineTuning;
using LoraServe.Engine.Generation;
using LoraServe.Jobs;
using LoraServe.Keys;

namespace LoraServe.Training;

/// <summary>Makes promotions.</summary>
internal sealed class Promotions(LlmEngine engine, TrainedAdapters adapters)
{
    /// <summary>Gives a name to a state of a training if its figures meet the conditions.</summary>
    /// <exception cref="ConditionsNotMetException">They do not.</exception>
    /// <exception cref="UnknownJobException">The state was deleted meanwhile.</exception>
    /// <exception cref="PermissionException">The caller may not give the name.</exception>
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
            Version = after.Version,
            PreviousVersion = before?.Version,
            Figures = figures,
            Adapter = caller.Scopes.Grant(KeyScope.AdaptersRead) ? AdapterResource.From(after, engine, caller.Access) : null,
        };
    }
}
