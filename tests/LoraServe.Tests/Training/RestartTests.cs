using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using LoraServe.Engine.Storage;
using LoraServe.Jobs;
using LoraServe.Jobs.Storage;
using LoraServe.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Tests.Training;

/// <summary>Files, jobs and events across a restart.</summary>
public sealed partial class RestartTests : IDisposable
{
    private static readonly TimeSpan Patience = LoraServeServer.Patience;
    private static readonly object Slow = new { r = 2, steps = 12, learning_rate = 0.01, checkpoint_every = 3 };

    private readonly string _data = Directory.CreateTempSubdirectory("loraserve-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public async Task Restart_JobsInEveryState_GoOnOrStay()
    {
        string running, paused, file;
        await using (var first = new RestartedServer(_data))
        {
            await first.InitializeAsync();
            file = await first.Client.FileAsync(TrainingCalls.Sql(8));
            using (await EngineHold.TakeAsync(first.Engine))
            {
                paused = (await first.Client.TrainAsync(file, more: new { suffix = "paused" })).Text("id")!;
                await first.Client.PostOkAsync($"/v1/fine_tuning/jobs/{paused}/pause");
            }

            running = (await first.Client.TrainAsync(file, new { r = 2, steps = 40, learning_rate = 0.01 }, new { suffix = "running" })).Text("id")!;
            await first.Client.WhenAsync($"/v1/fine_tuning/jobs/{running}", job => job.Text("status") == "running");
        }

        await using var second = new RestartedServer(_data);
        await second.InitializeAsync();
        var resumed = await second.Client.WhenAsync($"/v1/fine_tuning/jobs/{running}");

        resumed.Text("status").ShouldBe("succeeded", resumed.ToString());
        (await second.Client.EventsAsync(running)).ShouldContain(happened => happened.Text("message")!.Contains("restarted"));
        var held = await second.Client.GetFromJsonAsync<JsonElement>($"/v1/fine_tuning/jobs/{paused}");
        held.GetProperty("paused").GetBoolean().ShouldBeTrue();
        (await second.Client.GetStringAsync($"/v1/files/{file}/content")).ShouldBe(TrainingCalls.Sql(8));
        await second.Client.PostOkAsync($"/v1/fine_tuning/jobs/{paused}/resume");
        (await second.Client.WhenAsync($"/v1/fine_tuning/jobs/{paused}")).Text("status").ShouldBe("succeeded");
    }

    [Fact]
    public async Task Kill_RunningJob_EndsWithTheVersionOfAnUndisturbedOne()
    {
        string id, file, undisturbed;
        var (first, client) = await ServeAsync();
        using (first)
        using (client)
        {
            file = await client.FileAsync(TrainingCalls.Sql(8));
            undisturbed = (await client.SuccessAsync(await client.TrainAsync(file, Slow, new { suffix = "undisturbed" }))).Text("fine_tuned_version")!;
            id = (await client.TrainAsync(file, Slow, new { suffix = "killed" })).Text("id")!;
            await LoraServeServer.EventuallyAsync(async () =>
                (await client.EventsAsync(id)).Exists(happened => happened.Text("message")!.Contains("Checkpoint created at step 3")));
            first.Kill();
            await first.WaitForExitAsync().WaitAsync(Patience);
        }

        var (second, after) = await ServeAsync();
        using var process = second;
        using var reader = after;
        var job = await reader.WhenAsync($"/v1/fine_tuning/jobs/{id}");
        var events = await reader.EventsAsync(id);
        second.Kill();
        await second.WaitForExitAsync().WaitAsync(Patience);

        job.Text("status").ShouldBe("succeeded", job.ToString());
        job.Text("fine_tuned_version").ShouldBe(undisturbed);
        events.Where(happened => happened.GetProperty("data").TryGetProperty("train_loss", out _))
            .Select(happened => happened.GetProperty("data").GetProperty("step").GetInt32())
            .ShouldBe(Enumerable.Range(1, 12));
    }

    [Fact]
    public async Task Restart_JobWithWhichTheProcessDiedTwice_IsNotBegunAgain()
    {
        string id;
        await using (var first = new RestartedServer(_data))
        {
            await first.InitializeAsync();
            var file = await first.Client.FileAsync(TrainingCalls.Sql(8));
            using var hold = await EngineHold.TakeAsync(first.Engine);
            id = (await first.Client.TrainAsync(file, more: new { suffix = "deadly" })).Text("id")!;
            await first.Client.PostOkAsync($"/v1/fine_tuning/jobs/{id}/pause");
        }

        // The first server releases its folder's lock shortly after it has stopped.
        DataFolderLock.TryTake(Path.Combine(_data, "lock"), Patience).ShouldNotBeNull().Dispose();
        // The state after two kills.
        using (var folder = new DataFolder(new LoraServeOptions { Data = _data }, TimeProvider.System, NullLogger<DataFolder>.Instance))
        using (var database = JobDatabase.Open(folder, rebuild: false, NullLogger.Instance))
        {
            new JobStore(database, TimeProvider.System).Change(
                id, job => job with { Status = JobStatus.Running, IsPaused = false, Attempts = 2 });
        }

        await using var second = new RestartedServer(_data);
        await second.InitializeAsync();
        var ended = await second.Client.WhenAsync($"/v1/fine_tuning/jobs/{id}");

        ended.Text("status").ShouldBe("failed");
        ended.GetProperty("error").Text("code").ShouldBe("interrupted");
        ended.GetProperty("error").Text("message")!.ShouldContain("ended 2 times");
    }

    [Fact]
    public async Task Post_TrainingBeyondTheMemory_FailsBeforeItBegins()
    {
        await using var server = new SmallServer(_data);
        await server.InitializeAsync();
        var file = await server.Client.FileAsync(TrainingCalls.Sql(300));
        var taken = await server.Client.TrainAsync(file, more: new
        {
            suffix = "huge",
            method = new
            {
                type = "supervised",
                supervised = new { hyperparameters = new { batch_size = 256, lora = new { r = 8, steps = 2, micro_batch_tokens = 1 << 20 } } },
            },
        });

        var ended = await server.Client.EndAsync(taken);

        ended.Text("status").ShouldBe("failed");
        ended.GetProperty("error").Text("code").ShouldBe("invalid_hyperparameters");
        ended.GetProperty("error").Text("message")!.ShouldMatch("^micro_batch_tokens: .* 400 MiB of training-memory: lower it from 1048576 to at most [0-9]+");
    }

    private async Task<(Process Process, HttpClient Client)> ServeAsync()
    {
        var start = new ProcessStartInfo("dotnet")
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in new[] { typeof(Program).Assembly.Location, "--urls", "http://127.0.0.1:0", "--data", _data, "--threads", "1", "--dtype", "float32", "--kv-cache-memory", "64" })
            start.ArgumentList.Add(argument);
        var process = Process.Start(start)!;
        var ready = new TaskCompletionSource<string>();
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is not null && Address().Match(line.Data) is { Success: true } match) ready.TrySetResult(match.Groups["url"].Value);
        };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return (process, new HttpClient { BaseAddress = new Uri(await ready.Task.WaitAsync(Patience)) });
    }

    [GeneratedRegex("Swagger: [\\\\\"]*(?<url>http://127.0.0.1:[0-9]+)", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Address();

    private sealed class SmallServer(string data) : LoraServeServer(Settings(("TrainingMemory", "400")), data);

    private sealed class RestartedServer(string data) : LoraServeServer(Settings(), data);
}
