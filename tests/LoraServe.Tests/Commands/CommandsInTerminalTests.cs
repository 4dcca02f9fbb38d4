using System.Text.RegularExpressions;

namespace LoraServe.Tests.Commands;

/// <summary>Every command in a pseudo-terminal, on the demo model.</summary>
public sealed partial class CommandsInTerminalTests : IDisposable
{
    private const int Narrow = 40;
    private const int Usual = 80;
    private const int Wide = 160;

    private static readonly string[] Small = ["--batch-size", "4", "--threads", "1", "--dtype", "float32"];

    private readonly string _folder = Directory.CreateTempSubdirectory("loraserve-test-").FullName;

    public CommandsInTerminalTests() => TerminalProcess.SkipWithoutScript();

    private string Training => Write("train.jsonl", "sql.train.jsonl", 24);

    private string HeldOut => Write("test.jsonl", "sql.test.jsonl", 4);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(Narrow)]
    [InlineData(Wide)]
    public async Task Train_WithEvaluations_ShowsWhatGoesOnAndLeavesWholeLines(int columns)
    {
        using var terminal = new TerminalProcess(
            columns, ["train", "--data", Training, "--validation", HeldOut, "--out", In("run"), "--steps", "4", "--evaluate-every", "2", "--exact-match", "2", .. Small]);
        var exitCode = await terminal.ExitAsync();

        exitCode.ShouldBe(0, terminal.Raw);
        foreach (var phase in new[] { "evaluating", "saving" }) terminal.Raw.ShouldContain(phase);
        // Bars must not show 100% before the work is done.
        terminal.Raw.ShouldNotContain("100%");
        var shown = Joined(terminal);
        foreach (var line in new[] { "step 2: held-out loss ", "step 4: held-out loss ", "The adapter is in ", "The loss curve is in " }) shown.ShouldContain(line);
        ShouldBeCleared(terminal);
        EvaluatedLines().Count(shown).ShouldBe(2, shown);
    }

    [Fact]
    public async Task Train_CtrlC_SavesACheckpointThatTheSameCommandGoesOnFrom()
    {
        string[] train = ["train", "--data", Training, "--out", In("run"), "--checkpoint-every", "1000", .. Small];
        using var terminal = new TerminalProcess(Narrow, [.. train, "--steps", "1000"]);
        await terminal.WaitForAsync("tokens/s");
        await terminal.InterruptAsync();
        var exitCode = await terminal.ExitAsync();

        exitCode.ShouldBe(130, terminal.Raw);
        var shown = Joined(terminal);
        shown.ShouldContain("Stopping after this step; once more to stop at once.");
        shown.ShouldContain($"Stopped. The same command goes on from the last checkpoint in {In("run")}.");
        ShouldBeCleared(terminal);
        Directory.EnumerateFileSystemEntries(In("run/checkpoints")).ShouldNotBeEmpty();

        using var again = new TerminalProcess(Narrow, [.. train, "--steps", "1000"]);
        await again.WaitForAsync("Goes on from the checkpoint after step");
        await again.WaitForAsync("tokens/s");
        await again.InterruptAsync();
        (await again.ExitAsync()).ShouldBe(130, again.Raw);
    }

    [Fact]
    public async Task Rank_TwoRanks_ShowsEveryFigure()
    {
        using var terminal = new TerminalProcess(
            Narrow,
            ["rank", "--data", Training, "--test", HeldOut, "--out", In("study"), "--ranks", "1,2", "--seeds", "1", "--steps", "2", "--no-full", "--exact-match", "2", .. Small]);
        var exitCode = await terminal.ExitAsync();

        exitCode.ShouldBe(0, terminal.Raw);
        var shown = Joined(terminal);
        foreach (var text in new[] { "trained weights", "training memory", "exact match", "Take r = ", "The report is in " }) shown.ShouldContain(text);
        ShouldBeCleared(terminal);
    }

    [Theory]
    [InlineData(Narrow)]
    [InlineData(Usual)]
    public async Task Evaluate_AdapterAndBase_ShowsEveryFigure(int columns)
    {
        using var terminal = new TerminalProcess(
            columns,
            ["evaluate", "--adapter", Repository.Golden("demo", "adapters", "sql"), "--base", "--data", HeldOut, "--generate", "2", "--threads", "1", "--dtype", "float32"]);
        var exitCode = await terminal.ExitAsync();

        exitCode.ShouldBe(0, terminal.Raw);
        foreach (var text in new[] { "base", "sql", "perplexity", "token accuracy", "of 2" }) Joined(terminal).ShouldContain(text);
        ShouldBeCleared(terminal);
    }

    [Theory]
    [InlineData(Narrow)]
    [InlineData(Wide)]
    public async Task Serve_Started_SaysWhereToGoUnderWholeLogLinesAndEndsAtCtrlC(int columns)
    {
        using var terminal = new TerminalProcess(
            columns, "--urls", "http://127.0.0.1:0", "--data", In("data"), "--threads", "1", "--kv-cache-memory", "64", "--log-format", "text");
        await terminal.WaitForAsync("Try:");
        await terminal.WaitForAsync("}'");
        var url = Url().Match(Joined(terminal)).Value;
        using var health = new TerminalProcess(columns, "health", "--urls", url);
        (await health.ExitAsync()).ShouldBe(0, health.Raw);
        await terminal.InterruptAsync();
        var exitCode = await terminal.ExitAsync();

        exitCode.ShouldBe(0, terminal.Raw);
        var shown = Joined(terminal);
        foreach (var text in new[] { $"INF Now listening on: {url}", $"{url}/swagger", "with adapters extract, sentiment, sql, summarize", $"curl -s '{url}/v1/completions" })
            shown.ShouldContain(text);
        ShouldBeCleared(terminal);
    }

    [Fact]
    public async Task Serve_CtrlCWhileItLoads_EndsWithoutACrash()
    {
        using var terminal = new TerminalProcess(Narrow, "--urls", "http://127.0.0.1:0", "--data", In("data"), "--threads", "1");
        await terminal.WaitForAsync("Now listening");
        await terminal.InterruptAsync();

        (await terminal.ExitAsync()).ShouldBe(0, terminal.Raw);
        ShouldBeCleared(terminal);
    }

    [Theory]
    [InlineData(Narrow)]
    [InlineData(Wide)]
    public async Task Keys_List_ShowsEveryCell(int columns)
    {
        using var created = new TerminalProcess(
            columns, "keys", "create", "--data", In("data"), "--name", "a name", "--scopes", "infer,adapters:read", "--adapters", "team-one-*,team-two-*");
        (await created.ExitAsync()).ShouldBe(0, created.Raw);
        var id = KeyId().Match(Joined(created)).Groups["id"].Value;

        using var list = new TerminalProcess(columns, "keys", "list", "--data", In("data"));
        (await list.ExitAsync()).ShouldBe(0, list.Raw);
        using var revoked = new TerminalProcess(columns, "keys", "revoke", id, "--data", In("data"));
        (await revoked.ExitAsync()).ShouldBe(0, revoked.Raw);

        foreach (var text in new[] { id, "a name", "infer adapters:read", "team-one-* team-two-* (base)", "never", "valid" }) Joined(list).ShouldContain(text);
        Joined(revoked).ShouldContain("is revoked.");
    }

    [Fact]
    public async Task VerifyData_FolderWithAKey_FindsNoFault()
    {
        using var created = new TerminalProcess(Narrow, "keys", "create", "--data", In("data"), "--name", "a", "--scopes", "infer");
        (await created.ExitAsync()).ShouldBe(0, created.Raw);

        using var terminal = new TerminalProcess(Narrow, "verify-data", "--data", In("data"));
        (await terminal.ExitAsync()).ShouldBe(0, terminal.Raw);
        Joined(terminal).ShouldContain("Faults: 0, notes: 0. Looked at: versions of adapters 0, files 0, jobs 0, keys 1.");
    }

    [Fact]
    public async Task Merge_Adapter_WritesACheckpoint()
    {
        using var terminal = new TerminalProcess(
            Narrow, "merge", "--model", Repository.File("src", "LoraServe", "Demo", "base"), "--adapter", Repository.Golden("demo", "adapters", "sql"), "--out", In("merged"));

        (await terminal.ExitAsync()).ShouldBe(0, terminal.Raw);
        Joined(terminal).ShouldContain($"Wrote {In("merged")}.");
    }

    [Theory]
    [InlineData(Usual)]
    [InlineData(Wide)]
    public async Task Help_OfEveryCommand_IsWhole(int columns)
    {
        foreach (var command in LoraServe.Commands.CommandLine.Create(_ => Task.FromResult(0)).Subcommands)
        {
            using var terminal = new TerminalProcess(columns, command.Name, "--help");
            (await terminal.ExitAsync()).ShouldBe(0, terminal.Raw);
            foreach (var name in command.Options.Where(option => !option.Hidden).Select(option => option.Name)) Joined(terminal).ShouldContain(name);
        }
    }

    [Fact]
    public async Task Commands_WrongArguments_SayWhatIsWrongWithoutAStackTrace()
    {
        foreach (var (arguments, reason) in new (string[], string)[]
        {
            (["train", "--data", Training, "--out", In("run"), "--r", "x"], "'x' is no number: --r takes a whole number"),
            (["train", "--data", "nowhere.jsonl", "--out", In("run")], "nowhere.jsonl"),
            (["--max-num-seqs", "0", "--training-share", "2"], "expected a number from 0 to 1, found '2'"),
            (["health", "--urls", "http://127.0.0.1:1"], "http://127.0.0.1:1"),
        })
        {
            using var terminal = new TerminalProcess(Narrow, arguments);
            (await terminal.ExitAsync()).ShouldBe(1, terminal.Raw);
            Joined(terminal).ShouldContain(reason);
            terminal.Raw.ShouldNotContain("   at ");
        }
    }

    // The terminal wraps long lines.
    private static string Joined(TerminalProcess terminal) => terminal.Screen.Unwrapped;

    private static void ShouldBeCleared(TerminalProcess terminal)
    {
        var text = terminal.Screen.Text;
        foreach (var part in new[] { "━", "evaluating", "Loading weights", "Preparing", "tokens/s" }) text.ShouldNotContain(part);
        terminal.Screen.IsCursorShown.ShouldBeTrue();
    }

    private string In(string name) => Path.Combine(_folder, name);

    private string Write(string name, string source, int lines)
    {
        var path = In(name);
        if (!File.Exists(path)) File.WriteAllLines(path, File.ReadLines(Repository.File("src", "LoraServe", "Demo", "data", source)).Take(lines));
        return path;
    }

    [GeneratedRegex(@"^step \d: held-out loss [\d.]+, token accuracy [\d.]+ %, exact match [\d.]+ % of 2(, the best so far.*)?$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.Multiline)]
    private static partial Regex EvaluatedLines();

    [GeneratedRegex(@"http://127.0.0.1:\d+", RegexOptions.NonBacktracking)]
    private static partial Regex Url();

    [GeneratedRegex("Key (?<id>[0-9a-z]+) for", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex KeyId();
}
