using System.Diagnostics;
using System.Text.Json;

namespace LoraServe.Tests.Commands;

/// <summary>The training commands as processes, on the demo model.</summary>
public sealed class TrainingCommandsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("loraserve-test-").FullName;

    private string Data => Write("train.jsonl", "sql.train.jsonl", 24);

    private string Test => Write("test.jsonl", "sql.test.jsonl", 6);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Train_FewSteps_WritesAnAdapterThatEvaluates()
    {
        var run = Path.Combine(_folder, "run");
        string[] train =
        [
            "train", "--data", Data, "--validation", Test, "--out", run, "--r", "4", "--alpha", "8", "--targets", "attention", "--steps", "6",
            "--batch-size", "4", "--evaluate-every", "3", "--exact-match", "2", "--threads", "1", "--dtype", "float32",
        ];
        var trained = await RunAsync(train);
        var json = Path.Combine(_folder, "figures.json");
        var evaluated = await RunAsync(
            "evaluate", "--adapter", Path.Combine(run, "adapter"), "--base", "--data", Test, "--generate", "2", "--show", "1", "--json", json,
            "--threads", "1", "--dtype", "float32");

        trained.ExitCode.ShouldBe(0, trained.Error);
        trained.Output.ShouldContain("6 steps");
        trained.Output.ShouldContain("step 6: held-out loss");
        File.Exists(Path.Combine(run, "loss.png")).ShouldBeTrue();
        evaluated.ExitCode.ShouldBe(0, evaluated.Error);
        evaluated.Output.ShouldContain("run/adapter");
        evaluated.Output.ShouldContain("expected: ");
        using var figures = JsonDocument.Parse(await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken));
        var losses = figures.RootElement.EnumerateArray().Select(item => item.GetProperty("figures").GetProperty("loss").GetDouble()).ToList();
        losses.Count.ShouldBe(2);
        losses[1].ShouldBeLessThan(losses[0]);
    }

    [Fact]
    public async Task Rank_TwoRanks_WritesTableReportAndPictures()
    {
        var study = Path.Combine(_folder, "study");
        var found = await RunAsync(
            "rank", "--data", Data, "--test", Test, "--out", study, "--ranks", "1,2", "--seeds", "2", "--steps", "3", "--batch-size", "4",
            "--exact-match", "2", "--threads", "1", "--dtype", "float32");

        found.ExitCode.ShouldBe(0, found.Error);
        found.Output.ShouldContain("6/6 full fine-tuning");
        found.Output.ShouldContain("Take r = ");
        Directory.EnumerateFiles(study).Select(Path.GetFileName).Order().ShouldBe(
            ["overlap.png", "quality-over-parameters.png", "quality-over-rank.png", "rank.json", "report.html", "spectrum.png"]);
        Directory.Exists(Path.Combine(study, "trainings")).ShouldBeTrue();
        Directory.EnumerateDirectories(Path.Combine(study, "trainings")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Train_ManyMistakes_NamesEveryOneAndChangesNothing()
    {
        var bad = Path.Combine(_folder, "bad.jsonl");
        await File.WriteAllTextAsync(bad, "{\"prompt\": \"a\"}\nnot json\n", TestContext.Current.CancellationToken);
        var run = Path.Combine(_folder, "run");

        var (exitCode, output, error) = await RunAsync("train", "--data", bad, "--out", run, "--r", "0", "--learning-rate", "NaN");

        exitCode.ShouldBe(1);
        foreach (var part in new[] { "line 1", "line 2", "- r: ", "- learning_rate: " }) error.ShouldContain(part);
        error.ShouldNotContain("   at ");
        Directory.Exists(run).ShouldBeFalse(output);
    }

    [Fact]
    public async Task Commands_WrongArguments_AreExplainedWithoutAStackTrace()
    {
        var trained = Path.Combine(_folder, "trained");
        var model = Directory.CreateDirectory(Path.Combine(trained, "model")).FullName;
        foreach (var (arguments, reason) in new (string[], string)[]
        {
            (["train", "--data", "nowhere.jsonl", "--out", _folder], "nowhere.jsonl"),
            (["train", "--data", Data], "--out"),
            (["train", "--data", Data, "--out", _folder, "--rank-pattern", "q_proj"], "expected pairs"),
            (["train", "--data", Data, "--out", _folder, "--random-start"], "--method full"),
            (["train", "--data", Data, "--model", _folder, "--out", _folder, "--method", "full"], "apart from the model"),
            (["train", "--data", Data, "--model", model, "--out", trained], "apart from the model"),
            (["evaluate", "--data", Data], "--adapter"),
            (["evaluate", "--data", Data, "--adapter", "nowhere"], "nowhere"),
            (["evaluate", "--data", Data, "--base", "--generate", "-1"], "from 0 on"),
            (["rank", "--data", Data, "--test", Test, "--out", _folder, "--ranks", "1,two"], "whole numbers"),
            (["rank", "--data", Data, "--test", Test, "--out", _folder, "--data-sizes", "100"], "at most the 24"),
        })
        {
            var (exitCode, output, error) = await RunAsync(arguments);
            exitCode.ShouldBe(1, string.Join(' ', arguments));
            (output + error).ShouldContain(reason);
            error.ShouldNotContain("   at ");
        }
    }

    private string Write(string name, string source, int lines)
    {
        var path = Path.Combine(_folder, name);
        if (!File.Exists(path))
            File.WriteAllLines(path, File.ReadLines(Repository.File("src", "LoraServe", "Demo", "data", source)).Take(lines));
        return path;
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal) ? Environment.ProcessPath : "dotnet")
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in (string[])[typeof(Program).Assembly.Location, .. arguments]) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(LoraServeServer.Patience);
        await process.WaitForExitAsync(patience.Token);
        (await output + await error).ShouldNotContain("\u001b");
        return (process.ExitCode, await output, await error);
    }
}
