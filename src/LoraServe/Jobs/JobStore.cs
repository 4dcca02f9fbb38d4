using LoraServe.Api.Requests;
using LoraServe.Jobs.Storage;
using LoraServe.Keys;
using Microsoft.EntityFrameworkCore;

namespace LoraServe.Jobs;

/// <summary>Jobs on disk; each change is one transaction. A caller sees its own jobs; admin sees all.</summary>
internal sealed class JobStore(JobDatabase database, TimeProvider time)
{
    /// <summary>Adds a job whose files are to be read.</summary>
    /// <param name="id">Not used before.</param>
    /// <param name="kind">What the API calls it.</param>
    /// <param name="owner">Who asks for it.</param>
    /// <param name="request">JSON of its kind.</param>
    /// <param name="most">Most jobs of this kind that the owner may have, including paused ones.</param>
    /// <exception cref="JobQueueFullException">There are too many already.</exception>
    /// <exception cref="PermissionException">The owner may not keep more.</exception>
    public StoredJob Add(string id, string kind, Caller owner, string request, int most)
    {
        var job = new StoredJob
        {
            Id = id,
            Kind = kind,
            Owner = owner.Id,
            Created = time.GetUtcNow(),
            Status = JobStatus.ValidatingFiles,
            Request = request,
        };
        database.WriteEntries(
            context =>
            {
                JobRoom.Check(context, kind, owner, most);
                return context.Jobs.Add(JobRowMapper.ToRow(job)).Entity;
            },
            static (copies, row) => copies.Write(row));
        return job;
    }

    /// <summary>Refuses one job too many for its owner, or for the server.</summary>
    /// <exception cref="JobQueueFullException">There are too many already.</exception>
    /// <exception cref="PermissionException">The owner may not keep more.</exception>
    public void CheckRoom(string kind, Caller owner, int most) => database.Read(context =>
    {
        JobRoom.Check(context, kind, owner, most);
        return true;
    });

    /// <summary>The job of an id, whoever owns it, or null.</summary>
    public StoredJob? Find(string id) =>
        database.Read(context => context.Jobs.AsNoTracking().FirstOrDefault(row => row.Id == id)) is { } row
            ? JobRowMapper.ToJob(row)
            : null;

    /// <summary>The job of an id and kind that a caller may see.</summary>
    /// <exception cref="UnknownJobException">There is none.</exception>
    public StoredJob Get(string kind, string id, Caller caller) =>
        Find(id) is { } job && job.Kind == kind && caller.Owns(job.Owner) ? job : throw new UnknownJobException(kind, id);

    /// <summary>Jobs of a kind that a caller may see, newest first.</summary>
    /// <param name="kind">Which kind.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="after">Only jobs older than this one; null starts at the newest.</param>
    /// <param name="limit">Most jobs.</param>
    /// <param name="isWanted">Which of them.</param>
    /// <exception cref="UnknownJobException">The caller sees no job of that id.</exception>
    public Page<StoredJob> List(string kind, Caller caller, string? after, int limit, Func<StoredJob, bool>? isWanted = null)
    {
        if (after is not null) Get(kind, after, caller);
        return database.Read(context =>
        {
            var seesAll = caller.SeesEverything;
            var from = after is null ? long.MaxValue : NumberOf(context, kind, after);
            var found = context.Jobs.AsNoTracking()
                .Where(row => row.Kind == kind && row.Number < from && (seesAll || row.Owner == caller.Id))
                .OrderByDescending(row => row.Number)
                .AsEnumerable()
                .Select(JobRowMapper.ToJob)
                .Where(isWanted ?? (static _ => true))
                .Take(limit + 1)
                .ToList();
            return new Page<StoredJob>([.. found.Take(limit)], found.Count > limit);
        });
    }

    /// <summary>The oldest job of a kind that is in one of these states and not paused, or null.</summary>
    public StoredJob? Next(string kind, params JobStatus[] states)
    {
        var names = states.Select(state => state.ToString()).ToArray();
        return database.Read(context => context.Jobs.AsNoTracking()
            .Where(row => row.Kind == kind && names.Contains(row.Status) && !row.IsPaused)
            .OrderBy(row => row.Number)
            .FirstOrDefault()) is { } row
            ? JobRowMapper.ToJob(row)
            : null;
    }

    /// <summary>Changes a job as it is at this moment.</summary>
    /// <param name="id">Of a job that existed when it was found.</param>
    /// <param name="change">From the stored job to the new one; null, or an exception, leaves the job unchanged.</param>
    /// <param name="events">What happened, stored with the change.</param>
    /// <returns>The job afterwards.</returns>
    /// <exception cref="UnknownJobException">It was deleted meanwhile.</exception>
    public StoredJob Change(string id, Func<StoredJob, StoredJob?> change, params IReadOnlyList<JobEvent> events)
    {
        return database.WriteEntries(Write, static made => made.Changed is not null, static (copies, made) => copies.Write(made.Changed!)).Job;

        (StoredJob Job, JobRow? Changed) Write(JobContext context)
        {
            var row = context.Jobs.FirstOrDefault(job => job.Id == id) ?? throw new UnknownJobException("job", id);
            var before = JobRowMapper.ToJob(row);
            if (change(before) is not { } after) return (before, null);
            if (after.Result != before.Result) after = after with { Attempts = 0 };
            if (after.IsFinished && !before.IsFinished) after = after with { Finished = time.GetUtcNow(), IsPaused = false };
            JobRowMapper.Write(after, row);
            Add(context, id, events);
            // The number of attempts needs no copy.
            var hasChanged = (after.Status, after.IsPaused, after.Result) != (before.Status, before.IsPaused, before.Result);
            return (after, hasChanged ? row : null);
        }
    }

    /// <summary>Deletes a job with its events and checkpoints, also on a full disk.</summary>
    /// <param name="job">Of any state at the time that it was read.</param>
    /// <exception cref="UnknownJobException">It is gone already.</exception>
    /// <exception cref="JobNotEndedException">It has not ended.</exception>
    public void Delete(StoredJob job) => database.DeleteEntries(
        context =>
        {
            var row = context.Jobs.AsNoTracking().FirstOrDefault(found => found.Id == job.Id) ?? throw new UnknownJobException(job.Kind, job.Id);
            JobNotEndedException.Check(JobRowMapper.ToJob(row));
            context.Events.Where(happened => happened.JobId == job.Id).ExecuteDelete();
            context.Checkpoints.Where(checkpoint => checkpoint.JobId == job.Id).ExecuteDelete();
            return context.Jobs.Where(found => found.Id == job.Id).ExecuteDelete();
        },
        job.Id);

    /// <summary>Adds events; the first about a step replaces what an interrupted run reported of it and of later steps.</summary>
    /// <param name="id">The job.</param>
    /// <param name="events">In order.</param>
    /// <param name="replaceFrom">Removes events and checkpoints of this step and later ones first; null keeps all.</param>
    public void AddEvents(string id, IReadOnlyList<JobEvent> events, int? replaceFrom = null) => database.Write(context =>
    {
        if (replaceFrom is not null)
        {
            context.Events.Where(row => row.JobId == id && row.Step >= replaceFrom).ExecuteDelete();
            context.Checkpoints.Where(row => row.JobId == id && row.Step >= replaceFrom).ExecuteDelete();
        }

        Add(context, id, events);
        return true;
    });

    /// <summary>Events of a job, the newest first.</summary>
    public Page<JobEvent> Events(string id, long? before, int limit)
    {
        var found = database.Read(context => context.Events.AsNoTracking()
            .Where(row => row.JobId == id && (before == null || row.Number < before))
            .OrderByDescending(row => row.Number)
            .Take(limit + 1)
            .ToList());
        return new Page<JobEvent>([.. found.Take(limit).Select(JobRowMapper.ToEvent)], found.Count > limit);
    }

    /// <summary>All events of a job that are about steps, the oldest first.</summary>
    public IReadOnlyList<JobEvent> StepEvents(string id, int? step = null) => database.Read(context => context.Events.AsNoTracking()
        .Where(row => row.JobId == id && row.Step != null && (step == null || row.Step == step))
        .OrderBy(row => row.Number)
        .Select(row => JobRowMapper.ToEvent(row))
        .ToList());

    /// <summary>Remembers a checkpoint.</summary>
    /// <param name="id">The job.</param>
    /// <param name="step">After which step.</param>
    /// <param name="folder">Its PEFT folder within the job's.</param>
    /// <returns>Whether it is new, so that the job has made progress.</returns>
    public bool AddCheckpoint(string id, int step, string folder) => database.Write(context =>
    {
        if (context.Checkpoints.Any(row => row.JobId == id && row.Step == step)) return false;
        context.Jobs.Where(row => row.Id == id).ExecuteUpdate(row => row.SetProperty(job => job.Attempts, 0));
        context.Checkpoints.Add(new CheckpointRow { JobId = id, Step = step, Created = time.GetUtcNow(), Folder = folder });
        return true;
    });

    /// <summary>Removes checkpoints that were deleted.</summary>
    public void RemoveCheckpoints(string id, IReadOnlyCollection<int> steps) => database.Write(context =>
        context.Checkpoints.Where(row => row.JobId == id && steps.Contains(row.Step)).ExecuteDelete());

    /// <summary>Checkpoints of a job, the latest step first.</summary>
    public IReadOnlyList<CheckpointRow> Checkpoints(string id) => database.Read(context => context.Checkpoints.AsNoTracking()
        .Where(row => row.JobId == id)
        .OrderByDescending(row => row.Step)
        .ToList());

    private static long NumberOf(JobContext context, string kind, string id) =>
        context.Jobs.Where(row => row.Id == id).Select(row => (long?)row.Number).FirstOrDefault() ?? throw new UnknownJobException(kind, id);

    private void Add(JobContext context, string id, IEnumerable<JobEvent> events) =>
        context.Events.AddRange(events.Select(happened => JobRowMapper.ToRow(id, happened, time.GetUtcNow())));
}
