using System.Text.Json;
using LoraServe.Engine.Adapters.Catalog;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>Names, versions and origins as the rows of the database hold them, and back.</summary>
internal static class RowMapping
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        RespectNullableAnnotations = true,
    };

    /// <summary>An origin as rows hold it.</summary>
    public static string Serialize(AdapterOrigin origin) => JsonSerializer.Serialize(origin, Json);

    /// <summary>The origin that a row holds; null where it holds none that can be read.</summary>
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

    /// <summary>A name as its rows tell it.</summary>
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

    /// <summary>The rows of a name; those of a folder point at nothing, since its files decide.</summary>
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

    /// <summary>What is known of a version; null where another release wrote what this one cannot read: the files tell it again.</summary>
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
