using LoraServe.Api.Requests;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Residency;

namespace LoraServe.Api.Adapters;

/// <summary>Which adapter a request means, by the places where clients can name one.</summary>
internal static class AdapterSelector
{
    /// <summary>The query parameter, else the body's fields, else a model that is not the base, or follows it; null is the base.</summary>
    /// <param name="query">Values of the query parameter adapter.</param>
    /// <param name="body">Values of the body's fields for an adapter.</param>
    /// <param name="mix">The body's weighted sum of adapters.</param>
    /// <param name="model">The body's model.</param>
    /// <param name="baseModel">Name of the base model.</param>
    /// <exception cref="InvalidRequestException">Two of them differ.</exception>
    /// <exception cref="InvalidAdapterReferenceException">One cannot be read.</exception>
    /// <exception cref="UnknownAdapterException">The model is none that could be here.</exception>
    public static AdapterReference? Select(
        IEnumerable<string?> query, IEnumerable<string?> body, AdapterParts? mix, string? model, string baseModel)
    {
        var named = query.Select(text => (Text: text, Place: "?adapter="))
            .Concat(body.Select(text => (Text: text, Place: "adapter")))
            .Append((Text: AdapterOf(model, baseModel), Place: "model"))
            .Where(choice => !string.IsNullOrEmpty(choice.Text))
            .Select(choice => (Reference: choice.Text == baseModel ? null : Parse(choice.Text!, choice.Place), choice.Place))
            .Concat(mix is null ? [] : [(Reference: (AdapterReference?)AdapterReference.From(mix.Items), Place: "adapters")])
            .DistinctBy(choice => choice.Reference?.ToString())
            .ToList();
        return named switch
        {
            [] => null,
            [var (reference, _)] => reference,
            _ => throw new InvalidRequestException(
                "adapter",
                "the request names different adapters: "
                    + string.Join(", ", named.Select(choice => $"{choice.Place} '{choice.Reference?.ToString() ?? baseModel}'")),
                "adapter_conflict"),
        };
    }

    // Clients that have to send a model send the base model's name along with the adapter, or before it as base:adapter.
    private static string? AdapterOf(string? model, string baseModel) =>
        model == baseModel ? ""
        : model?.StartsWith($"{baseModel}:", StringComparison.Ordinal) == true && model.Length > baseModel.Length + 1 ? model[(baseModel.Length + 1)..]
        : model;

    // What clients send as their model may be the name of a model of another server, of any form.
    private static AdapterReference Parse(string text, string place)
    {
        try
        {
            return AdapterReference.Parse(text);
        }
        catch (InvalidAdapterReferenceException) when (place == "model" && !text.Contains(','))
        {
            throw new UnknownAdapterException(text);
        }
    }

    /// <summary>What an answer says about the adapter that made it.</summary>
    public static string Label(AdapterLease lease) => lease.IsBase ? "base" : $"{lease.Name}@{ShortVersion(lease)}";

    /// <summary>The beginning of the version's hash.</summary>
    public static string ShortVersion(AdapterLease lease) => lease.Version.Short;
}
