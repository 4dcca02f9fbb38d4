using System.Collections.Immutable;
using System.Text.Json;
using LoraServe.Api;

namespace LoraServe.Keys;

/// <summary>The names of scopes, and what one implies.</summary>
internal static class KeyScopes
{
    private static readonly ImmutableDictionary<KeyScope, string> Names = Enum.GetValues<KeyScope>()
        .ToImmutableDictionary(scope => scope, scope => JsonSerializer.SerializeToElement(scope, ApiJson.Options).GetString()!);

    /// <summary>All of them.</summary>
    public static ImmutableHashSet<KeyScope> All { get; } = [.. Enum.GetValues<KeyScope>()];

    /// <summary>Their names, for people.</summary>
    public static string Listed { get; } = string.Join(", ", Enum.GetValues<KeyScope>().Select(Name));

    /// <summary>As requests and the command line write it: adapters:read.</summary>
    public static string Name(this KeyScope scope) => Names[scope];

    /// <summary>The scope of a name, or null.</summary>
    public static KeyScope? Find(string name) =>
        Names.Where(entry => entry.Value == name).Select(entry => (KeyScope?)entry.Key).FirstOrDefault();

    /// <summary>Whether the scopes granted include one, directly or by implication; admin includes all.</summary>
    public static bool Grant(this IReadOnlySet<KeyScope> scopes, KeyScope scope) => scopes.Contains(scope) || scopes.Contains(KeyScope.Admin);
}
