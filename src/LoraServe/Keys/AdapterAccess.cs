using System.Security.Claims;
using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Keys;

/// <summary>
/// Which adapters a caller may use, see and write. An adapter that it may not use does not exist for this caller: what is refused
/// depends on names alone, never on what there is. A saved mix is judged by its own name, whatever its parts are.
/// </summary>
internal sealed class AdapterAccess(IReadOnlyList<AdapterPattern> patterns, bool allowsBase)
{
    // No adapter can have this name.
    private const string Hidden = "(hidden)";

    /// <summary>Access to everything.</summary>
    public static AdapterAccess All { get; } = new([AdapterPattern.TryParse("*")!], allowsBase: true);

    /// <summary>Access to nothing.</summary>
    public static AdapterAccess None { get; } = new([], allowsBase: false);

    /// <summary>Whether the base model may answer.</summary>
    public bool AllowsBase => allowsBase;

    /// <summary>Whether nothing is hidden.</summary>
    public bool AllowsEverything => allowsBase && patterns.Any(pattern => pattern.Text == "*");

    /// <summary>The access of a request's caller.</summary>
    public static AdapterAccess Of(ClaimsPrincipal user) => user.Caller().Access;

    /// <summary>Lets endpoints take the access of the caller as a parameter.</summary>
    public static ValueTask<AdapterAccess?> BindAsync(HttpContext context) => ValueTask.FromResult<AdapterAccess?>(Of(context.User));

    /// <summary>Whether the adapter of this name exists for the caller.</summary>
    public bool Allows(string name) => patterns.Any(pattern => pattern.Matches(name));

    /// <exception cref="UnknownAdapterException">The adapter does not exist for the caller.</exception>
    public void Check(string name)
    {
        if (!Allows(name)) throw new UnknownAdapterException(name);
    }

    /// <summary>The parts of a saved mix that the caller may see, and whether there are others.</summary>
    public IReadOnlyList<AdapterPart> Show(IEnumerable<AdapterPart> parts) =>
        [.. parts.Select(part => Allows(part.Alias) ? part : part with { Name = Hidden })];

    /// <summary>A message about adapters, fit for a caller that may not see all of them.</summary>
    /// <param name="message">The whole story.</param>
    /// <param name="names">Adapters that the message names and the caller may not have named itself.</param>
    public string Explain(string message, IEnumerable<string> names) => names.All(Allows)
        ? message
        : "A part of the saved mix cannot be used, and the API key may not see it: ask the owner of the mix.";

    /// <param name="parts">Adapters, or versions of adapters.</param>
    /// <exception cref="UnknownAdapterException">One of them does not exist for the caller.</exception>
    public void Check(IEnumerable<AdapterPart> parts)
    {
        foreach (var part in parts) Check(part.Alias);
    }

    /// <param name="reference">What a request runs on; null for the base model.</param>
    /// <exception cref="UnknownAdapterException">An adapter of the reference does not exist for the caller.</exception>
    /// <exception cref="PermissionException">The reference is to the base model, which the caller may not use.</exception>
    public void Check(AdapterReference? reference)
    {
        if (reference is not null) Check(reference.Parts);
        else if (!allowsBase)
            throw new PermissionException("The API key does not allow the bare base model: name an adapter.", "base_not_allowed");
    }

    /// <summary>Reads a reference to adapters of the caller.</summary>
    /// <exception cref="InvalidAdapterReferenceException">It is not of this form.</exception>
    /// <exception cref="UnknownAdapterException">An adapter does not exist for the caller.</exception>
    public AdapterReference Parse(string text)
    {
        var reference = AdapterReference.Parse(text);
        Check(reference.Parts);
        return reference;
    }

    /// <summary>Refuses a name that the caller may not write, whether it is in use or not.</summary>
    /// <exception cref="PermissionException">The caller's patterns do not allow it.</exception>
    public void CheckTarget(string name)
    {
        if (Allows(name)) return;
        var allowed = patterns.Count == 0 ? "no name" : string.Join(", ", patterns);
        throw new PermissionException($"name: the API key does not allow '{name}', only {allowed}.", "name_not_allowed");
    }
}
