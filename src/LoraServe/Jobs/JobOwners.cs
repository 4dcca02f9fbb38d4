using LoraServe.Keys;

namespace LoraServe.Jobs;

/// <summary>The owners of jobs: what was granted when a job was accepted may have been revoked since.</summary>
internal sealed class JobOwners(KeyRing keys, KeyWatch watch, TimeProvider time)
{
    private static readonly string[] Keyless = [Caller.Nobody.Id, Caller.AdminKeyFile.Id, Caller.CommandLine.Id];

    /// <summary>The owner of a job, with what the key grants now.</summary>
    /// <exception cref="JobFailedException">The key was revoked, has expired, or cannot be read.</exception>
    public Caller Of(StoredJob job)
    {
        if (keys.Find(job.Owner) is not { } key)
        {
            return Keyless.Contains(job.Owner)
                ? Caller.CommandLine with { Id = job.Owner, Name = job.Owner }
                : throw Failed("key_unknown", $"The API key {job.Owner} that asked for this is no longer a key of this server.");
        }

        var name = $"The API key '{key.Grant.Name}' ({key.Id}) that asked for this";
        if (key.Revoked is { } revoked) throw Failed("key_revoked", $"{name} was revoked on {revoked:yyyy-MM-dd HH:mm}Z.");
        if (key.Grant.Expires is { } expires && time.GetUtcNow() >= expires)
            throw Failed("key_expired", $"{name} expired on {expires:yyyy-MM-dd HH:mm}Z.");
        return Caller.Of(key);
    }

    /// <summary>Cancels work when the key of its owner becomes invalid; dispose it before the source.</summary>
    public IDisposable Watch(Caller owner, CancellationTokenSource work) => watch.Watch(owner, work);

    private static JobFailedException Failed(string code, string message) => new(new JobError(code, message, null));
}
