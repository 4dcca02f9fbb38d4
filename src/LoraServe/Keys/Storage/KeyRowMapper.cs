namespace LoraServe.Keys.Storage;

/// <summary>Keys as rows.</summary>
internal static class KeyRowMapper
{
    public static KeyRow ToRow(ApiKey key) => new()
    {
        Id = key.Id,
        Name = key.Grant.Name,
        Hash = [.. key.Hash],
        Scopes = [.. key.Grant.Scopes.Order().Select(scope => scope.Name())],
        Adapters = [.. key.Grant.Adapters.Select(pattern => pattern.Text)],
        AllowsBase = key.Grant.AllowsBase,
        RequestsPerMinute = key.Grant.Limits.RequestsPerMinute,
        TokensPerMinute = key.Grant.Limits.TokensPerMinute,
        ConcurrentRequests = key.Grant.Limits.ConcurrentRequests,
        MaxAdapters = key.Grant.Limits.Adapters,
        MaxAdapterBytes = key.Grant.Limits.AdapterBytes,
        MaxFileBytes = key.Grant.Limits.FileBytes,
        MaxJobs = key.Grant.Limits.Jobs,
        Created = key.Created,
        Expires = key.Grant.Expires,
        LastUse = key.LastUse,
        Revoked = key.Revoked,
    };

    // A scope or pattern that this release does not know grants nothing.
    public static ApiKey ToKey(KeyRow row) => new()
    {
        Id = row.Id,
        Hash = [.. row.Hash],
        Created = row.Created,
        LastUse = row.LastUse,
        Revoked = row.Revoked,
        Grant = new NewKey
        {
            Name = row.Name,
            Scopes = [.. row.Scopes.Select(KeyScopes.Find).OfType<KeyScope>()],
            Adapters = [.. row.Adapters.Select(AdapterPattern.TryParse).OfType<AdapterPattern>()],
            AllowsBase = row.AllowsBase,
            Expires = row.Expires,
            Limits = new KeyLimits
            {
                RequestsPerMinute = row.RequestsPerMinute,
                TokensPerMinute = row.TokensPerMinute,
                ConcurrentRequests = row.ConcurrentRequests,
                Adapters = row.MaxAdapters,
                AdapterBytes = row.MaxAdapterBytes,
                FileBytes = row.MaxFileBytes,
                Jobs = row.MaxJobs,
            },
        },
    };
}
