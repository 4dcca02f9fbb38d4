using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Keys;

namespace LoraServe.Api.Compare;

/// <summary>Adapters of a comparison do not exist, or not for its caller; the message names them all.</summary>
internal sealed class UnknownAdaptersException(IEnumerable<string> messages) : Exception(string.Join(' ', messages))
{
    /// <param name="references">The adapters of a comparison.</param>
    /// <param name="access">Which of them exist for its caller.</param>
    /// <param name="adapters">Which there are.</param>
    /// <exception cref="UnknownAdaptersException">Some do not exist.</exception>
    public static void Check(IEnumerable<AdapterReference> references, AdapterAccess access, AdapterManager adapters)
    {
        var parts = references.SelectMany(reference => reference.Parts).DistinctBy(part => part.Name);
        var unknown = parts.Select(part => Fault(part, access, adapters)).OfType<string>().ToList();
        if (unknown.Count > 0) throw new UnknownAdaptersException(unknown);
    }

    private static string? Fault(AdapterPart part, AdapterAccess access, AdapterManager adapters)
    {
        try
        {
            access.Check(part.Alias);
            adapters.VersionOf(AdapterReference.From([part with { Coefficient = 1 }]));
            return null;
        }
        catch (UnknownAdapterException e)
        {
            return access.Explain(e.Message, e.Adapters);
        }
    }
}
