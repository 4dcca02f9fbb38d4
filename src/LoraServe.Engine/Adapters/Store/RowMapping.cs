using System.Text.Json;
using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>Converts names, versions and origins into rows, and back.</summary>
internal static class RowMapping
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        RespectNullableAnnotations = true,
    };

    /// <summary>The JSON of an origin.</summary>
    public static string Serialize(AdapterOrigin origin) => JsonSerializer.Serialize(origin, Json);

    /// <summary>The origin of a row; null if it has none that can be read.</summary>
    public static AdapterOrigin? ToOrigin(string? json)
    {
        try
        {
            return json is null ? null : JsonSerializer.Deserialize<AdapterOrigin>(json, Json);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The name of these rows.</summary>
    public static AdapterAlias ToAlias(AliasRow row) => new()
    {
        Name = row.Name,
        Created = row.Created,
        Mode = row.Mode,
        Share = row.Weight,
        Pinned = row.Pinned,
        LastUse = row.LastUse,
        Current = row.Version is { } current ? new AdapterVersionId(current) : null,
        History =
        [
            .. row.History.OrderByDescending(entry => entry.Position).Select(entry =>
                new AliasVersion(new AdapterVersionId(entry.Version), entry.Since, entry.Share) { Origin = ToOrigin(entry.Origin) }),
        ],
        Parts = [.. row.Parts.OrderBy(part => part.Position).Select(part => new AdapterPart(part.Part, part.Weight))],
    };

    /// <summary>The rows of a name. A name of the folder given at start points at no version, since the files there decide.</summary>
    public static AliasRow ToRow(AdapterAlias alias) => new()
    {
        Name = alias.Name,
        Created = alias.Created,
        Mode = alias.Mode,
        Weight = alias.Share,
        Pinned = alias.Pinned,
        LastUse = alias.LastUse,
        Version = alias.Folder is null ? alias.Current?.Value : null,
        History =
        [
            .. (alias.Folder is null ? alias.History : []).Select((entry, i) => new HistoryRow
            {
                Name = alias.Name,
                Version = entry.Version.Value,
                Position = alias.History.Count - i,
                Since = entry.Since,
                Share = entry.Share,
                Origin = entry.Origin is { } origin ? Serialize(origin) : null,
            }),
        ],
        Parts =
        [
            .. alias.Parts.Select((part, i) =>
                new MixPartRow { Name = alias.Name, Position = i, Part = part.Name, Weight = part.Coefficient }),
        ],
    };

    /// <summary>
    /// What is known of a version; null if another release wrote a row that this one cannot read. It is then described anew from its files.
    /// </summary>
    public static KnownVersion? ToVersion(VersionRow row)
    {
        try
        {
            return new KnownVersion
            {
                Description = JsonSerializer.Deserialize<AdapterInfo>(row.Description, Json)!,
                CheckedAgainst = row.CheckedAgainst,
                Created = row.Created,
                Provenance = row.Provenance,
                Broken = row.Broken,
            };
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The row of a version.</summary>
    public static VersionRow ToRow(KnownVersion version) => new()
    {
        Version = version.Version.Value,
        CheckedAgainst = version.CheckedAgainst,
        Description = JsonSerializer.Serialize(version.Description, Json),
        Created = version.Created,
        Provenance = version.Provenance,
        Broken = version.Broken,
    };
}
