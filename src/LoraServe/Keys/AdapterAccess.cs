using System.Security.Claims;
using LoraServe.Engine.Adapters;

namespace LoraServe.Keys;

/// <summary>Which adapters a request's key may use. One that it may not use is as if it did not exist.</summary>
internal sealed class AdapterAccess
{
    public static AdapterAccess Of(ClaimsPrincipal user) => new();

    /// <summary>Whether the adapter of this name exists for the key.</summary>
    public bool Allows(string name) => true;

    /// <exception cref="UnknownAdapterException">An adapter of the reference does not exist for the key.</exception>
    public void Check(AdapterReference? reference)
    {
        if (reference?.Parts.FirstOrDefault(part => !Allows(part.Alias)) is { } foreign) throw new UnknownAdapterException(foreign.Alias);
    }

    /// <summary>Whose computed prefixes a request may share: those of its key, and among them those of the same salt.</summary>
    public string CacheSalt(string? ofRequest) => ofRequest ?? "";
}
