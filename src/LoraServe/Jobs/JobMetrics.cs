using System.Diagnostics.Metrics;
using LoraServe.Metrics;

namespace LoraServe.Jobs;

/// <summary>Counts of ended jobs.</summary>
internal sealed class JobMetrics
{
    private readonly Counter<long> _ended;

    public JobMetrics(IMeterFactory meters, IEnumerable<JobKind> kinds)
    {
        _ended = meters.Create(MetricCollector.MeterPrefix)
            .CreateCounter<long>("loraserve.jobs.ended", null, "Trainings and evaluations that ended, by kind and status.");
        // Created at zero, since the first increase of a new series would not show in rates.
        foreach (var kind in kinds)
        {
            foreach (var status in (JobStatus[])[JobStatus.Succeeded, JobStatus.Failed, JobStatus.Cancelled]) Add(0, kind.Name, status);
        }
    }

    /// <summary>Counts a job that has ended.</summary>
    public void RecordEnd(StoredJob job) => Add(1, job.Kind, job.Status);

    private void Add(long count, string kind, JobStatus status) =>
        _ended.Add(count, new("kind", kind), new("status", JobStatusNames.Of(status)));
}
