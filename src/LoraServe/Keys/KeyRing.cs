using System.Collections.Immutable;
using System.Data.Common;
using LoraServe.Keys.Storage;
using Microsoft.EntityFrameworkCore;

namespace LoraServe.Keys;

/// <summary>
/// All keys of a data folder. What another process changes, such as the command line, holds from the next request on. Times of last use
/// reach the disk every few seconds. Safe for concurrent use.
/// </summary>
internal sealed partial class KeyRing : IDisposable
{
    private readonly KeyDatabase _database;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly KeyUses _uses;
    private readonly Lock _reading = new();
    private Snapshot _snapshot = new(-1, ImmutableSortedDictionary<string, ApiKey>.Empty, IsEmpty: true);

    public KeyRing(KeyDatabase database, TimeProvider time, ILogger<KeyRing> log)
    {
        (_database, _time, _log) = (database, time, log);
        _uses = new KeyUses(database, time, log);
    }

    /// <summary>Whether a key was ever created in this data folder; a revoked or lost one still counts.</summary>
    public bool HasKeys => _database.Marker.Exists || !Current().IsEmpty;

    /// <summary>All keys, the newest first.</summary>
    public IReadOnlyList<ApiKey> List() => [.. Current().Keys.Values.Select(_uses.WithLast).OrderByDescending(key => key.Created).ThenBy(key => key.Id)];

    /// <summary>The key of a public id, or null.</summary>
    public ApiKey? Find(string id) => Current().Keys.GetValueOrDefault(id) is { } key ? _uses.WithLast(key) : null;

    /// <summary>Rejects a data folder whose keys are gone: the server would be open to everyone on this machine.</summary>
    /// <exception cref="IOException">There were keys, and the database has none left.</exception>
    public void CheckNotLost()
    {
        if (!Current().IsEmpty)
        {
            // They may come from a release that did not record it.
            _database.Marker.Set();
        }
        else if (_database.Marker.Exists)
        {
            throw new IOException(
                $"The API keys are gone: {_database.Marker.Location} says that there were some, or that the first was being made, and keys.db beside "
                    + "it has none. Either bring keys.db (with keys.db-wal, if there is one) back from a backup, or make a new key with `keys create --name admin "
                    + "--scopes admin` and the same --data: every older key is then refused.");
        }
    }

    /// <summary>Creates a key.</summary>
    /// <returns>The key, and its text, which cannot be recovered later.</returns>
    /// <exception cref="IOException">It cannot be stored.</exception>
    public (ApiKey Key, string Text) Create(NewKey grant) => Create(_ => grant);

    /// <summary>Creates a key whose grant is built when it is created.</summary>
    /// <param name="grantAt">Told when the key is made.</param>
    /// <returns>The key, and its text, which cannot be recovered later.</returns>
    /// <exception cref="IOException">It cannot be stored.</exception>
    public (ApiKey Key, string Text) Create(Func<DateTimeOffset, NewKey> grantAt)
    {
        var created = _time.GetUtcNow();
        var grant = grantAt(created);
        // Before the key: a kill in between leaves the server closed, not open beside a key.
        var isFirst = _database.Marker.Set();
        var (id, text) = KeySecret.Create();
        var key = new ApiKey { Id = id, Hash = [.. KeySecret.Hash(text)], Grant = grant, Created = created };
        try
        {
            _database.WriteKeys(context => context.Keys.Add(KeyRowMapper.ToRow(key)));
        }
        catch (IOException)
        {
            if (isFirst) ForgetFirst();
            throw;
        }

        Reload();
        return (key, text);
    }

    // The key was not created. If that is uncertain, the server stays closed.
    private void ForgetFirst()
    {
        try
        {
            if (Reload().IsEmpty) _database.Marker.TakeBack();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogNotForgotten(_database.Marker.Location, e.Message);
        }
    }

    /// <summary>Revokes a key for good; null if no key has this id.</summary>
    /// <param name="id">The key's public id.</param>
    /// <param name="isChange">Whether it was not revoked before.</param>
    public ApiKey? Revoke(string id, out bool isChange)
    {
        var now = _time.GetUtcNow();
        isChange = 0 < _database.WriteKeysOnFullDisk(context => context.Keys.Where(row => row.Id == id && row.Revoked == null)
            .ExecuteUpdate(row => row.SetProperty(key => key.Revoked, now)));
        Reload();
        return Find(id);
    }

    /// <summary>The key of a text, or why it is refused, worded for the sender.</summary>
    public (ApiKey? Key, string? Refusal) Authenticate(string text)
    {
        if (KeySecret.FindId(text) is not { } id || Current().Keys.GetValueOrDefault(id) is not { } key
            || !KeySecret.IsSame(KeySecret.Hash(text), key.Hash.AsSpan()))
        {
            return (null, "The API key is not one of this server.");
        }

        // Only the holder of the whole text learns this.
        if (RefusalOf(key) is { } refusal) return (null, refusal);
        _uses.Note(id);
        return (key, null);
    }

    /// <summary>Why a key is no longer valid, worded for its holder; null while it is.</summary>
    /// <exception cref="IOException">Keys cannot be read.</exception>
    public string? RefusalOf(string id) => Current().Keys.GetValueOrDefault(id) is { } key
        ? RefusalOf(key)
        : "The API key is no longer one of this server.";

    /// <summary>Writes pending changes.</summary>
    public void Dispose() => _uses.Dispose();

    private string? RefusalOf(ApiKey key) =>
        key.Revoked is { } revoked ? $"The API key '{key.Grant.Name}' ({key.Id}) was revoked on {revoked:yyyy-MM-dd HH:mm}Z."
        : key.Grant.Expires is { } expires && _time.GetUtcNow() >= expires
            ? $"The API key '{key.Grant.Name}' ({key.Id}) expired on {expires:yyyy-MM-dd HH:mm}Z."
        : null;

    private Snapshot Current()
    {
        lock (_reading)
        {
            return _database.KeysVersion() == _snapshot.Version ? _snapshot : Reload();
        }
    }

    private Snapshot Reload()
    {
        lock (_reading)
        {
            // Before the keys: a change in between is then read again.
            var version = _database.KeysVersion();
            var (keys, isEmpty) = _database.Read(ReadKeys);
            return _snapshot = new Snapshot(version, keys.ToImmutableSortedDictionary(key => key.Id, key => key, StringComparer.Ordinal), isEmpty);
        }
    }

    private (List<ApiKey> Keys, bool IsEmpty) ReadKeys(KeyContext context)
    {
        var rows = context.Keys.AsNoTracking();
        try
        {
            var all = rows.AsEnumerable().Select(KeyRowMapper.ToKey).ToList();
            return (all, all.Count == 0);
        }
        catch (Exception e) when (e is not DbException)
        {
            // One by one, so that a row that cannot be read only disables itself. It is still a key of this server.
            var ids = rows.Select(row => row.Id).ToList();
            return ([.. ids.Select(id => TryRead(rows, id)).OfType<ApiKey>()], ids.Count == 0);
        }
    }

    private ApiKey? TryRead(IQueryable<KeyRow> rows, string id)
    {
        try
        {
            return KeyRowMapper.ToKey(rows.First(row => row.Id == id));
        }
        catch (Exception e) when (e is not DbException)
        {
            LogUnreadable(id, e.Message);
            return null;
        }
    }

    [LoggerMessage(LogLevel.Error, "The stored API key {Id} cannot be read and grants nothing: {Reason}")]
    private partial void LogUnreadable(string id, string reason);

    [LoggerMessage(LogLevel.Warning, "The first API key could not be made, but {Marker} stays, so that everybody needs one: {Reason}")]
    private partial void LogNotForgotten(string marker, string reason);

    private sealed record Snapshot(long Version, ImmutableSortedDictionary<string, ApiKey> Keys, bool IsEmpty);
}
