using LoraServe.Api.FineTuning;
using LoraServe.Audit;
using LoraServe.Jobs;
using LoraServe.Keys;

namespace LoraServe.Training;

/// <summary>Cancels, pauses and resumes trainings.</summary>
internal sealed class JobControl(JobStore jobs, JobQueue queue, FineTuner training, AuditLog audit)
{
    /// <summary>Changes one of the caller's jobs.</summary>
    /// <exception cref="UnknownJobException">The caller has no such job.</exception>
    /// <exception cref="JobStateException">The job's state does not allow it.</exception>
    public FineTuningJobResource Change(HttpContext context, string id, string action, Func<JobQueue, StoredJob, StoredJob> change)
    {
        var caller = context.User.Caller();
        var job = change(queue, jobs.Get(FineTuner.Kind, id, caller));
        audit.Record(caller, action, id, context: context);
        return FineTuningApi.Resource(job, training);
    }
}
