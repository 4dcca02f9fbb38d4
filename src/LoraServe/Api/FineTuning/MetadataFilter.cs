namespace LoraServe.Api.FineTuning;

/// <summary>What jobs are listed: metadata[name]=text.</summary>
internal sealed class MetadataFilter(IReadOnlyList<KeyValuePair<string, string>> wanted)
{
    private const string Prefix = "metadata[";

    public static MetadataFilter Read(IQueryCollection query) => new(
    [
        .. from parameter in query
           where parameter.Key.StartsWith(Prefix, StringComparison.Ordinal) && parameter.Key.EndsWith(']')
           from text in parameter.Value
           select KeyValuePair.Create(parameter.Key[Prefix.Length..^1], text),
    ]);

    /// <summary>Whether all of it is there.</summary>
    public bool Matches(IReadOnlyDictionary<string, string>? metadata) =>
        wanted.All(pair => metadata?.GetValueOrDefault(pair.Key) == pair.Value);
}
