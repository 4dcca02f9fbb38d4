using LoraServe.Jobs;
using LoraServe.Keys;
using LoraServe.Tests.Keys;
using Microsoft.Extensions.DependencyInjection;

namespace LoraServe.Tests.Jobs;

[Collection(nameof(KeyedServer))]
public class JobOwnersTests(KeyedServer server)
{
    private JobOwners Owners => server.Services.GetRequiredService<JobOwners>();

    [Fact]
    public void Of_ValidKey_GrantsWhatTheKeyGrants()
    {
        var (key, _) = server.CreateKey(grant => grant with { Limits = new KeyLimits { Adapters = 3 } });

        Owners.Of(Job(key.Id)).Limits.Adapters.ShouldBe(3);
    }

    [Fact]
    public void Of_KeyThatIsNoLongerValid_SaysWhy()
    {
        var (revoked, _) = server.CreateKey();
        server.Keys.Revoke(revoked.Id, out _);
        var (expired, _) = server.CreateKey(grant => grant with { Expires = DateTimeOffset.UtcNow.AddMinutes(-1) });

        Refusal(revoked.Id).ShouldBe("key_revoked");
        Refusal(expired.Id).ShouldBe("key_expired");
        Refusal("0123456789ab").ShouldBe("key_unknown");
    }

    [Theory]
    [InlineData("anonymous")]
    [InlineData("admin-key-file")]
    public void Of_OwnersWithoutStoredKey_AreKnown(string id) => Owners.Of(Job(id)).Id.ShouldBe(id);

    private string Refusal(string owner) => Should.Throw<JobFailedException>(() => Owners.Of(Job(owner))).Error.Code;

    private static StoredJob Job(string owner) => new()
    {
        Id = "ftjob-1",
        Kind = "fine_tuning.job",
        Owner = owner,
        Created = DateTimeOffset.UtcNow,
        Status = JobStatus.Queued,
        Request = "{}",
    };
}
