using System.Diagnostics;
using System.Net;
using LoraServe.Tests.Keys;

namespace LoraServe.Tests.Commands;

/// <summary>The keys command as a separate process beside a running server.</summary>
[Collection(nameof(KeyedServer))]
public class KeysCommandTests(KeyedServer server)
{
    [Fact]
    public async Task Keys_MadeListedAndRevokedBesideAServer_ActAtOnce()
    {
        var (exitCode, text, note) = await RunAsync(
            "create", "--name", "from a terminal", "--scopes", "infer, adapters:read", "--adapters", "a-*,b", "--base", "false", "--requests-per-minute", "5");
        exitCode.ShouldBe(0, note);
        var client = server.ClientOf(text.Trim());
        using var served = await client.GetAsync("/v1/models");
        var (_, list, _) = await RunAsync("list");
        var id = text.Substring(3, 12);
        (await RunAsync("revoke", id)).ExitCode.ShouldBe(0);
        using var refused = await client.GetAsync("/v1/models");

        served.StatusCode.ShouldBe(HttpStatusCode.OK);
        served.Headers.GetValues("x-ratelimit-limit-requests").ShouldBe(["5"]);
        foreach (var part in new[] { id, "from a terminal", "infer adapters:read", "a-* b", "5 requests/min", "valid" }) list.ShouldContain(part);
        list.ShouldNotContain(text.Trim()[^43..]);
        await LoraServeServer.ErrorAsync(refused, 401);
        var audit = await server.Admin.GetStringAsync("/v1/audit?limit=100");
        audit.ShouldContain("command-line");
        audit.ShouldContain(id);
    }

    [Fact]
    public async Task Keys_WrongArguments_AreExplainedWithoutAStackTrace()
    {
        foreach (var (arguments, reason) in new (string[], string)[]
        {
            (["create", "--name", "x", "--scopes", "root"], "adapters:write"),
            (["create", "--name", "x", "--scopes", "infer", "--adapters", "a b"], "adapters"),
            (["create", "--name", "x", "--scopes", "infer", "--tokens-per-minute", "0"], "from 1 on"),
            (["revoke", "000000000000"], "does not exist"),
        })
        {
            var (exitCode, output, error) = await RunAsync(arguments);
            exitCode.ShouldBe(1);
            (output + error).ShouldContain(reason);
            error.ShouldNotContain("   at ");
        }
    }

    private async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal) ? Environment.ProcessPath : "dotnet")
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in (string[])[typeof(Program).Assembly.Location, "keys", .. arguments, "--data", server.Data]) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(LoraServeServer.Patience);
        await process.WaitForExitAsync(patience.Token);
        return (process.ExitCode, await output, await error);
    }
}
