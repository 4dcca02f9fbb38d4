using LoraServe.Engine.Adapters;
using LoraServe.Hosting;

namespace LoraServe.Adapters;

/// <summary>Which adapter a request means, by the places where clients can name one.</summary>
internal static class AdapterSelector
{
    /// <summary>The query parameter, else the body's field, else a model that is not the base; null is the base.</summary>
    /// <param name="query">Values of the query parameter adapter.</param>
    /// <param name="body">Values of the body's fields for an adapter.</param>
    /// <param name="model">The body's model.</param>
    /// <param name="baseModel">Name of the base model.</param>
    /// <exception cref="InvalidRequestException">Two of them differ.</exception>
    public static string? Select(IEnumerable<string?> query, IEnumerable<string?> body, string? model, string baseModel)
    {
        var named = query.Select(name => (Name: name, Place: "?adapter="))
            .Concat(body.Select(name => (Name: name, Place: "adapter")))
            // Clients that have to send a model send the base model's name along with the adapter.
            .Append((Name: model == baseModel ? "" : model, Place: "model"))
            .Where(choice => !string.IsNullOrEmpty(choice.Name))
            .DistinctBy(choice => choice.Name)
            .ToList();
        return named switch
        {
            [] => null,
            [var (name, _)] => name == baseModel ? null : name,
            _ => throw new InvalidRequestException(
                "adapter",
                $"the request names different adapters: {string.Join(", ", named.Select(choice => $"{choice.Place} '{choice.Name}'"))}",
                "adapter_conflict"),
        };
    }

    /// <summary>What an answer says about the adapter that made it.</summary>
    public static string Label(string? name, AdapterLease lease) => name is null ? "base" : $"{name}@{ShortVersion(lease)}";

    /// <summary>The beginning of the version's hash.</summary>
    public static string ShortVersion(AdapterLease lease) => lease.Version[..Math.Min(lease.Version.Length, 12)];
}
