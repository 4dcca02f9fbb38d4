using LoraServe.Api.FineTuning;
using LoraServe.Audit;
using LoraServe.Jobs;
using LoraServe.Keys;

namespace LoraServe.Training;

/// <summary>Changes of a training that somebody asks for.</summary>
internal sealed class JobControl(JobStore jobs, JobQueue queue, FineTuner training, AuditLog audit)
{
    /// <summary>Changes a job of the caller's.</summary>
    /// <exception cref="UnknownJobException">The caller has no such job.</exception>
    /// <exception cref="JobStateException">It cannot be done to the job as it is.</exception>
    public FineTuningJobResource Change(HttpContext context, string id, string action, Func<JobQueue, StoredJob, StoredJob> change)
    {
        var caller = context.User.Caller();
        var job = change(queue, jobs.Get(FineTuner.Kind, id, caller));
        audit.Record(caller, action, id, context: context);
        return FineTuningApi.Resource(job, training);
    }
}
