using System.Text.Json;
using System.Text.Json.Nodes;
using LoraServe.Api;
using LoraServe.Engine;
using LoraServe.Keys;
using LoraServe.Keys.Storage;
using Microsoft.EntityFrameworkCore;

namespace LoraServe.Audit;

/// <summary>Records what was changed, by whom and when, in the data folder's database and in the log.</summary>
/// <param name="database">Keeps them.</param>
/// <param name="time">Dates them.</param>
/// <param name="log">Gets a line for each.</param>
/// <param name="most">Number of changes kept, within 0.1 %; older ones are removed.</param>
internal sealed partial class AuditLog(KeyDatabase database, TimeProvider time, ILogger<AuditLog> log, int most = 1_000_000)
{
    private readonly int _trimPeriod = Math.Max(1, most / 1000);

    /// <summary>Records a change that has been made.</summary>
    /// <param name="caller">Who made it.</param>
    /// <param name="action">One of <see cref="AuditAction"/>.</param>
    /// <param name="target">The adapter or key.</param>
    /// <param name="from">The version before; null if there was none.</param>
    /// <param name="to">The version afterwards; null if there is none.</param>
    /// <param name="details">What else was changed.</param>
    /// <param name="context">The request; null for the command line.</param>
    public void Record(
        Caller caller,
        string action,
        string target,
        AdapterVersionId? from = null,
        AdapterVersionId? to = null,
        JsonObject? details = null,
        HttpContext? context = null)
    {
        var text = AuditText.Of(details);
        // Values are only for readers of the audit log.
        var fields = details is null ? null : string.Join(", ", details.Select(field => field.Key));
        LogChange(action, target, caller.Id, caller.Name, from?.Value, to?.Value, fields);
        try
        {
            Write(new AuditRow
            {
                Time = time.GetUtcNow(),
                Actor = caller.Id,
                ActorName = AuditText.Of(caller.Name),
                RequestId = context?.TraceIdentifier,
                Action = action,
                Target = AuditText.Of(target),
                FromVersion = from?.Value,
                ToVersion = to?.Value,
                Details = text,
            });
        }
        // The change is made, so the response can no longer be an error; the log line above says what was changed.
        catch (IOException e)
        {
            LogNotWritten(e.Message);
        }
    }

    private void Write(AuditRow row) => database.Write(context =>
    {
        context.Audit.Add(row);
        context.SaveChanges();
        return row.Id % _trimPeriod == 0 ? context.Audit.Where(other => other.Id <= row.Id - most).ExecuteDelete() : 0;
    });

    /// <summary>The fields that a request has.</summary>
    public static JsonObject Details<T>(T request) => new(JsonSerializer.SerializeToNode(request, ApiJson.Options)!.AsObject()
        .Where(field => field.Value is not null)
        .Select(field => KeyValuePair.Create(field.Key, (JsonNode?)field.Value!.DeepClone())));

    /// <summary>The newest changes first.</summary>
    /// <param name="before">Only changes older than this one; null starts at the newest.</param>
    /// <param name="limit">Most changes to return.</param>
    /// <exception cref="IOException">They cannot be read.</exception>
    public IReadOnlyList<AuditRow> List(long? before, int limit) => database.Read(context => context.Audit.AsNoTracking()
        .Where(row => before == null || row.Id < before)
        .OrderByDescending(row => row.Id)
        .Take(limit)
        .ToList());

    [LoggerMessage(LogLevel.Information, "{Action} {Target} by {Actor} ({ActorName}): from {FromVersion} to {ToVersion}, {Fields}")]
    private partial void LogChange(
        string action, string target, string actor, string actorName, string? fromVersion, string? toVersion, string? fields);

    [LoggerMessage(LogLevel.Error, "The change could not be written to the audit log: {Reason}")]
    private partial void LogNotWritten(string reason);
}
