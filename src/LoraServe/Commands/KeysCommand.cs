using System.CommandLine;
using System.Text.Json.Nodes;
using LoraServe.Api.Keys;
using LoraServe.Api.Requests;
using LoraServe.Audit;
using LoraServe.Hosting;
using LoraServe.Keys;
using LoraServe.Keys.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Commands;

/// <summary>The subcommand keys: creates, lists and revokes the keys of a data folder, with or without a running server.</summary>
internal static class KeysCommand
{
    private static readonly Option<string> Data = new("--data")
    {
        Description = "The server's data folder. Default: the one that a server started here would use.",
        HelpName = "DIR",
        DefaultValueFactory = _ => ServerConfiguration.Data,
    };

    public static Command Create() => new("keys", "Makes, lists and revokes API keys. A running server sees the changes at once.")
    {
        CreateCreate(), CreateList(), CreateRevoke(),
    };

    private static Command CreateCreate()
    {
        var name = new Option<string>("--name") { Description = "A name for people.", HelpName = "TEXT", Required = true };
        var scopes = new Option<string>("--scopes")
        {
            Description = $"What it may do, separated by commas: {KeyScopes.Listed}.",
            HelpName = "LIST",
            Required = true,
        };
        var adapters = new Option<string>("--adapters")
        {
            Description = "Patterns of the adapters that exist for it, separated by commas; * matches anything. Default: all.",
            HelpName = "LIST",
            DefaultValueFactory = _ => "*",
        };
        var bare = new Option<bool>("--base")
        {
            Description = "Whether it may generate on the bare base model. Default: true.",
            HelpName = "true|false",
            DefaultValueFactory = _ => true,
        };
        var requests = ValueOption.Number<int>("--requests-per-minute", "Most requests within any minute.", least: 1);
        var tokens = ValueOption.Number<int>("--tokens-per-minute", "Most tokens, read and written, within any minute.", least: 1);
        var concurrent = ValueOption.Number<int>(
            "--concurrent-requests",
            "Most requests at the same time, and most choices of all of them together. Default: three quarters of --max-queued-seqs.",
            least: 1);
        var count = ValueOption.Number<int>("--max-adapters", "Most adapters that exist because it uploaded or saved them.", least: 0);
        var bytes = ValueOption.Number<long>("--max-adapter-bytes", "Most bytes of all versions that it uploaded.", least: 0);
        var fileBytes = ValueOption.Number<long>("--max-file-bytes", "Most bytes of files that it uploaded or its jobs made.", least: 0);
        var jobs = ValueOption.Number<int>("--max-jobs", "Most trainings, evaluations and rank studies that are kept.", least: 0);
        var expires = ValueOption.Number<int>("--expires-in", "Seconds after which it is refused. Default: never.", least: 1);
        var command = new Command("create", "Makes a key and writes its text, which is shown only this once, on standard output.")
        {
            Data, name, scopes, adapters, bare, requests, tokens, concurrent, count, bytes, fileBytes, jobs, expires,
        };
        command.SetAction(result => Run(KeyDatabase.Open, result.GetValue(Data)!, (keys, audit) =>
        {
            var request = new KeyRequest
            {
                Name = result.GetValue(name),
                Scopes = [.. Split(result.GetValue(scopes)!).Select(ReadScope)],
                Adapters = Split(result.GetValue(adapters)!),
                Base = result.GetValue(bare),
                RequestsPerMinute = result.GetValue(requests),
                TokensPerMinute = result.GetValue(tokens),
                ConcurrentRequests = result.GetValue(concurrent),
                MaxAdapters = result.GetValue(count),
                MaxAdapterBytes = result.GetValue(bytes),
                MaxFileBytes = result.GetValue(fileBytes),
                MaxJobs = result.GetValue(jobs),
                ExpiresIn = result.GetValue(expires),
            };
            var (key, text) = keys.Create(request.ToNewKey);
            audit.Record(Caller.CommandLine, AuditAction.KeyCreated, key.Id, details: KeyResource.DescribeGrant(key));
            Console.Error.WriteLine($"Key {key.Id} for '{key.Grant.Name}'. Keep its text, it cannot be shown again:");
            Console.Out.WriteLine(text);
        }));
        return command;
    }

    private static Command CreateList()
    {
        var command = new Command("list", "Lists all keys without their texts.") { Data };
        command.SetAction(result => Run(KeyDatabase.OpenExisting, result.GetValue(Data)!, (keys, _) =>
        {
            TerminalTable.Write(
    ["id", "name", "scopes", "adapters", "limits", "last use", "state"],
    [.. keys.List().Select(Cells)],
    areNumbers: false);
        }));
        return command;
    }

    private static Command CreateRevoke()
    {
        var id = new Argument<string>("id") { Description = "The key's id, as list shows it." };
        var command = new Command("revoke", "Revokes a key, at once and for good.") { id, Data };
        command.SetAction(result => Run(KeyDatabase.OpenExisting, result.GetValue(Data)!, (keys, audit) =>
        {
            var key = keys.Revoke(result.GetValue(id)!, out var isChange) ?? throw new UnknownKeyException(result.GetValue(id)!);
            if (isChange) audit.Record(Caller.CommandLine, AuditAction.KeyRevoked, key.Id, details: new JsonObject { ["name"] = key.Grant.Name });
            Console.Error.WriteLine($"Key {key.Id} ('{key.Grant.Name}') is revoked.");
        }));
        return command;
    }

    private static int Run(Func<string, KeyDatabase> open, string folder, Action<KeyRing, AuditLog> action)
    {
        try
        {
            using var database = open(folder);
            using var keys = new KeyRing(database, TimeProvider.System, NullLogger<KeyRing>.Instance);
            action(keys, new AuditLog(database, TimeProvider.System, NullLogger<AuditLog>.Instance));
            return 0;
        }
        catch (Exception e) when (e is InvalidRequestException or UnknownKeyException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }

    private static IReadOnlyList<string> Cells(ApiKey key) =>
    [
        key.Id,
        key.Grant.Name,
        string.Join(' ', key.Grant.Scopes.Order().Select(scope => scope.Name())),
        string.Join(' ', key.Grant.Adapters.Select(pattern => pattern.Text).Concat(key.Grant.AllowsBase ? ["(base)"] : [])),
        key.Grant.Limits.ToString(),
        key.LastUse is { } use ? $"{use:yyyy-MM-dd HH:mm}Z" : "never",
        State(key, TimeProvider.System.GetUtcNow()),
    ];

    private static string State(ApiKey key, DateTimeOffset now) =>
        key.Revoked is { } revoked ? $"revoked {revoked:yyyy-MM-dd HH:mm}Z"
        : key.Grant.Expires is not { } expires ? "valid"
        : expires <= now ? $"expired {expires:yyyy-MM-dd HH:mm}Z"
        : $"valid until {expires:yyyy-MM-dd HH:mm}Z";

    private static string[] Split(string list) => list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static KeyScope ReadScope(string name) => KeyScopes.Find(name)
        ?? throw new InvalidRequestException("--scopes", $"expected some of {KeyScopes.Listed}, found '{name}'");
}
