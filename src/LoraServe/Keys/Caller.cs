using System.Collections.Immutable;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;

namespace LoraServe.Keys;

/// <summary>Who makes a request, and what that caller may do.</summary>
internal sealed record Caller
{
    /// <summary>The id of a key, or a fixed id for callers without one.</summary>
    public required string Id { get; init; }

    /// <summary>For people.</summary>
    public required string Name { get; init; }

    public required ImmutableHashSet<KeyScope> Scopes { get; init; }

    public required AdapterAccess Access { get; init; }

    public KeyLimits Limits { get; init; } = KeyLimits.None;

    /// <summary>Whether the request came without a key.</summary>
    public bool IsAnonymous { get; private init; }

    /// <summary>Whether the request came with a key that can be revoked.</summary>
    public bool HasKey { get; private init; }

    /// <summary>A caller without a key.</summary>
    public static Caller Anonymous(ImmutableHashSet<KeyScope> scopes) =>
        new() { Id = "anonymous", Name = "anonymous", Scopes = scopes, Access = AdapterAccess.All, IsAnonymous = true };

    /// <summary>A caller that may do nothing.</summary>
    public static Caller Nobody { get; } = Anonymous([]);

    /// <summary>The key that the operator keeps in a file.</summary>
    public static Caller AdminKeyFile { get; } =
        new() { Id = "admin-key-file", Name = "admin key file", Scopes = KeyScopes.All, Access = AdapterAccess.All };

    /// <summary>The operator, running the program on the machine of the data folder.</summary>
    public static Caller CommandLine { get; } =
        new() { Id = "command-line", Name = Environment.UserName, Scopes = KeyScopes.All, Access = AdapterAccess.All };

    /// <summary>The holder of a key.</summary>
    public static Caller Of(ApiKey key) => new()
    {
        Id = key.Id,
        Name = key.Grant.Name,
        Scopes = key.Grant.Scopes,
        Access = new AdapterAccess(key.Grant.Adapters, key.Grant.AllowsBase),
        Limits = key.Grant.Limits,
        HasKey = true,
    };

    /// <summary>Whether the caller sees what other callers own.</summary>
    public bool SeesEverything => Scopes.Contains(KeyScope.Admin);

    /// <summary>Whether the caller may see and change what an owner has.</summary>
    /// <param name="owner">The <see cref="Id"/> of the caller that made it.</param>
    public bool Owns(string owner) => SeesEverything || Id == owner;

    /// <summary>The share of the engine that the caller's requests count in; all callers without a key have one together.</summary>
    public string Owner => IsAnonymous ? "" : Id;

    /// <summary>
    /// The salt of the prefix cache for a request's own salt: two requests share what was computed only if they come with the same key
    /// and the same salt of their own. What is computed without keys is shared by all. It lives as long as what was computed, so of a
    /// salt, however long, only the hash is kept.
    /// </summary>
    public string CacheSalt(string? salt) => (IsAnonymous, salt) switch
    {
        (true, null or "") => "",
        (true, _) => $"anonymous:{Hash(salt)}",
        (_, null or "") => $"key {Id}:",
        _ => $"key {Id}:{Hash(salt)}",
    };

    private static string Hash(string salt) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(salt)));

    /// <summary>Lets endpoints take the caller as a parameter.</summary>
    public static ValueTask<Caller?> BindAsync(HttpContext context) => ValueTask.FromResult<Caller?>(context.User.Caller());
}

/// <summary>The identity that authentication gives to a caller.</summary>
internal sealed class CallerIdentity(Caller caller) : ClaimsIdentity(
    [new Claim(ClaimTypes.NameIdentifier, caller.Id), new Claim(ClaimTypes.Name, caller.Name)], ApiKeyHandler.Scheme)
{
    public Caller Caller { get; } = caller;
}

/// <summary>From a principal to the caller.</summary>
internal static class CallerPrincipal
{
    /// <summary>The caller of a principal; one that may do nothing if authentication found none.</summary>
    public static Caller Caller(this ClaimsPrincipal principal) =>
        principal.Identities.OfType<CallerIdentity>().FirstOrDefault()?.Caller ?? Keys.Caller.Nobody;
}
