using System.Net.Http.Json;
using System.Text.Json;
using LoraServe.Audit;
using LoraServe.Tests.Training;
using Microsoft.Extensions.DependencyInjection;

namespace LoraServe.Tests.Api.FineTuning;

[Collection(nameof(TrainingServer))]
public class FineTuningApiTests(TrainingServer server)
{
    private static readonly object Quick = new { r = 2, steps = 4, learning_rate = 0.01, evaluate_every = 2, exact_match_examples = 2, checkpoint_every = 2 };
    private static readonly object Endless = new { r = 2, steps = 100_000, learning_rate = 0.001 };

    private HttpClient Client => server.Client;

    [Fact]
    public async Task Post_Job_TrainsAnAdapterThatServesAtOnce()
    {
        var training = await Client.FileAsync(TrainingCalls.Sql(16));
        var validation = await Client.FileAsync(TrainingCalls.Sql(4, "valid"));
        var taken = await Client.TrainAsync(training, Quick, new { suffix = "quick", validation_file = validation, metadata = new { team = "a" } });
        (taken.Text("status"), taken.Text("object")).ShouldBe(("validating_files", "fine_tuning.job"));
        taken.GetProperty("hyperparameters").GetProperty("n_epochs").GetString().ShouldBe("auto");
        // It has a copy of its own.
        (await Client.DeleteAsync($"/v1/files/{training}")).EnsureSuccessStatusCode();

        var job = await Client.SuccessAsync(taken);

        job.Text("fine_tuned_model").ShouldBe("ft:loraserve-demo:quick");
        job.GetProperty("trained_tokens").GetInt64().ShouldBeGreaterThan(0);
        job.GetProperty("finished_at").GetInt64().ShouldBeGreaterThanOrEqualTo(job.GetProperty("created_at").GetInt64());
        job.GetProperty("hyperparameters").GetProperty("batch_size").GetInt32().ShouldBe(2);
        job.GetProperty("hyperparameters").GetProperty("n_epochs").GetInt32().ShouldBe(1);
        var lora = job.GetProperty("method").GetProperty("supervised").GetProperty("hyperparameters").GetProperty("lora");
        lora.EnumerateObject().Where(field => field.Value.ValueKind == JsonValueKind.Null).ShouldBeEmpty();
        job.GetProperty("figures").GetProperty("examples").GetInt32().ShouldBe(4);

        var adapter = await Client.GetFromJsonAsync<JsonElement>("/v1/adapters/ft:loraserve-demo:quick");
        adapter.Text("version").ShouldBe(job.Text("fine_tuned_version"));
        adapter.Text("provenance")!.ShouldContain(job.Text("id")!);
        adapter.Text("provenance")!.ShouldContain("validation loss");
        var answer = await server.CompleteAsync(new { model = "ft:loraserve-demo:quick", prompt = "Which products", max_tokens = 2 });
        answer.Text("model").ShouldBe("ft:loraserve-demo:quick");
        // In a sum with a weight, which a colon parts from the name.
        await server.CompleteAsync(new { prompt = "Which products", max_tokens = 1 }, "?adapter=ft:loraserve-demo:quick:0.5,sql:0.5");

        var archive = await Client.GetByteArrayAsync($"/v1/fine_tuning/jobs/{job.Text("id")}/archive");
        using (var again = await Client.PutAsync("/v1/adapters/quick-again", new ByteArrayContent(archive)))
            (await again.Content.ReadFromJsonAsync<JsonElement>()).Text("version").ShouldBe(job.Text("fine_tuned_version"));
        await Client.DeleteAsync("/v1/adapters/quick-again?force=true");

        var messages = (await Client.EventsAsync(job.Text("id")!)).Select(happened => happened.Text("message")!).ToList();
        messages[0].ShouldStartWith("Created fine-tuning job");
        messages.Count(message => message.StartsWith("Step ", StringComparison.Ordinal)).ShouldBeGreaterThanOrEqualTo(6);
        messages[^1].ShouldBe("The job has successfully completed");
        var results = await Client.GetStringAsync($"/v1/files/{job.GetProperty("result_files")[0].GetString()}/content");
        results.Split('\n')[0].ShouldBe("step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy");
        results.Trim().Split('\n').Length.ShouldBe(5);
    }

    [Fact]
    public async Task Post_WithoutSeed_TakesAFixedOneAndSaysSo()
    {
        var file = await Client.FileAsync(TrainingCalls.Sql(2));
        using var response = await Client.PostAsJsonAsync("/v1/fine_tuning/jobs", new
        {
            model = "loraserve-demo",
            training_file = file,
            suffix = "unseeded",
            hyperparameters = new { n_epochs = 1 },
        });
        var taken = await response.OkAsync();
        taken.GetProperty("seed").GetInt32().ShouldBe(42);

        await Client.SuccessAsync(taken);

        (await Client.EventsAsync(taken.Text("id")!)).ShouldContain(happened => happened.Text("message")!.StartsWith("seed 42: "));
    }

    [Fact]
    public async Task Get_List_FiltersByMetadataAndPages()
    {
        var file = await Client.FileAsync(TrainingCalls.Sql(2));
        var ids = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            var job = await Client.TrainAsync(file, Endless, new { suffix = $"listed-{i}", metadata = new { listed = "yes", number = $"{i}" } });
            ids.Add(job.Text("id")!);
            await Client.PostOkAsync($"/v1/fine_tuning/jobs/{job.Text("id")}/cancel");
        }

        var first = await Client.GetFromJsonAsync<JsonElement>("/v1/fine_tuning/jobs?limit=2&metadata[listed]=yes");
        var second = await Client.GetFromJsonAsync<JsonElement>($"/v1/fine_tuning/jobs?limit=2&metadata[listed]=yes&after={ids[1]}");
        var one = await Client.GetFromJsonAsync<JsonElement>("/v1/fine_tuning/jobs?metadata[listed]=yes&metadata[number]=1");

        (Ids(first), Ids(second), Ids(one)).ShouldBe(($"{ids[2]} {ids[1]}", ids[0], ids[1]));
        first.GetProperty("has_more").GetBoolean().ShouldBeTrue();
        second.GetProperty("has_more").GetBoolean().ShouldBeFalse();
        await LoraServeServer.ErrorAsync(await Client.GetAsync("/v1/fine_tuning/jobs?after=ftjob-none"), 404);
    }

    [Fact]
    public async Task PauseResumeCancel_RunningJob_DoWhatTheySay()
    {
        var file = await Client.FileAsync(TrainingCalls.Sql(4));
        var job = await Client.TrainAsync(file, new { r = 2, steps = 100_000, learning_rate = 0.001, checkpoint_every = 1 }, new { suffix = "controlled" });
        var path = $"/v1/fine_tuning/jobs/{job.Text("id")}";
        await Client.WhenAsync(path, found => found.Text("status") == "running");
        await StepsAsync(2);

        var paused = await Client.PostOkAsync($"{path}/pause");
        (paused.Text("status"), paused.GetProperty("paused").GetBoolean()).ShouldBe(("queued", true));
        await LoraServeServer.ErrorAsync(await Client.PostAsync($"{path}/pause", null), 400);
        // Others go first.
        await Client.SuccessAsync(await Client.TrainAsync(file, more: new { suffix = "overtakes" }));
        var before = await StepsAsync(2);

        var resumed = await Client.PostOkAsync($"{path}/resume");
        resumed.GetProperty("paused").GetBoolean().ShouldBeFalse();
        await LoraServeServer.ErrorAsync(await Client.PostAsync($"{path}/resume", null), 400);
        (await StepsAsync(before.Count + 2)).ShouldBe(Enumerable.Range(1, before.Count + 2), ignoreOrder: false, "it went on with the step after the last");

        (await Client.PostOkAsync($"{path}/cancel")).Text("status").ShouldBe("cancelled");
        (await LoraServeServer.ErrorAsync(await Client.PostAsync($"{path}/cancel", null), 400)).Text("code").ShouldBe("invalid_job_state");
        var checkpoints = await Client.GetFromJsonAsync<JsonElement>($"{path}/checkpoints");
        checkpoints.GetProperty("data").GetArrayLength().ShouldBeGreaterThan(0);

        async Task<List<int>> StepsAsync(int least)
        {
            using var patience = new CancellationTokenSource(LoraServeServer.Patience);
            while (true)
            {
                var made = (await Client.EventsAsync(job.Text("id")!))
                    .Where(happened => happened.GetProperty("data").TryGetProperty("train_loss", out _))
                    .Select(happened => happened.GetProperty("data").GetProperty("step").GetInt32())
                    .ToList();
                if (made.Count >= least) return [.. made.Take(Math.Max(least, 2))];
                await Task.Delay(100, patience.Token);
            }
        }
    }

    [Fact]
    public async Task Post_SameSuffixAgain_MakesAVersionOfTheSameName()
    {
        var file = await Client.FileAsync(TrainingCalls.Sql(4));
        var first = await Client.SuccessAsync(await Client.TrainAsync(file, more: new { suffix = "again", seed = 1 }));
        var second = await Client.SuccessAsync(await Client.TrainAsync(file, more: new { suffix = "again", seed = 2 }));

        var versions = await Client.GetFromJsonAsync<JsonElement>("/v1/adapters/ft:loraserve-demo:again/versions");

        versions.GetProperty("data").EnumerateArray().Select(version => version.Text("version"))
            .ShouldBe([second.Text("fine_tuned_version"), first.Text("fine_tuned_version")]);
    }

    [Fact]
    public async Task Promote_Conditions_DecideWhetherTheAliasMoves()
    {
        var training = await Client.FileAsync(TrainingCalls.Sql(8));
        var validation = await Client.FileAsync(TrainingCalls.Sql(3, "valid"));
        var first = await Client.SuccessAsync(await Client.TrainAsync(training, Quick, new { suffix = "p1", validation_file = validation, seed = 1 }));
        var second = await Client.SuccessAsync(await Client.TrainAsync(training, Quick, new { suffix = "p2", validation_file = validation, seed = 2 }));
        string Path(JsonElement job) => $"/v1/fine_tuning/jobs/{job.Text("id")}/promote";

        var made = await Client.PostOkAsync(Path(first), new { alias = "promoted", @if = new { loss = "<100", exact_match = ">=0" } });
        using var refused = await Client.PostAsJsonAsync(Path(second), new { alias = "promoted", @if = new { loss = "<0.0001", perplexity = ">1" } });
        var error = await LoraServeServer.ErrorAsync(refused, 409);
        var unmoved = (await Client.GetFromJsonAsync<JsonElement>("/v1/adapters/promoted")).Text("version");
        var moved = await Client.PostOkAsync(Path(second), new { alias = "promoted" });
        var back = await Client.PostOkAsync("/v1/adapters/promoted/rollback");

        made.GetProperty("previous_version").ValueKind.ShouldBe(JsonValueKind.Null);
        (made.Text("version"), unmoved).ShouldBe((first.Text("fine_tuned_version"), first.Text("fine_tuned_version")));
        error.Text("code").ShouldBe("conditions_not_met");
        error.Text("message")!.ShouldContain("loss: wanted <0.0001, found ");
        error.Text("message")!.ShouldNotContain("perplexity");
        (moved.Text("version"), moved.Text("previous_version")).ShouldBe((second.Text("fine_tuned_version"), first.Text("fine_tuned_version")));
        back.Text("version").ShouldBe(first.Text("fine_tuned_version"));
        var audit = server.Services.GetRequiredService<AuditLog>().List(before: null, limit: 1000);
        audit.Count(entry => (entry.Action, entry.Target) == ("adapter.promoted", "promoted")).ShouldBe(2);

        // What the server's operator gave is the operator's.
        await LoraServeServer.ErrorAsync(await Client.PostAsJsonAsync(Path(first), new { alias = "sql" }), 409);
        await LoraServeServer.ErrorAsync(await Client.PostAsJsonAsync(Path(first), new { alias = "loraserve-demo" }), 400);
        await LoraServeServer.ErrorAsync(await Client.PostAsJsonAsync(Path(first), new { alias = "x", @if = new { accuracy = ">1" } }), 400);
    }

    [Fact]
    public async Task Promote_Checkpoint_ServesIt()
    {
        var file = await Client.FileAsync(TrainingCalls.Sql(8));
        var job = await Client.SuccessAsync(await Client.TrainAsync(file, Quick, new { suffix = "stepwise", validation_split = 0.25 }));
        var path = $"/v1/fine_tuning/jobs/{job.Text("id")}/checkpoints";
        var checkpoints = (await Client.GetFromJsonAsync<JsonElement>(path)).GetProperty("data").EnumerateArray().ToList();
        checkpoints.Count.ShouldBeGreaterThan(0);
        var checkpoint = checkpoints[^1];
        checkpoint.GetProperty("metrics").GetProperty("train_loss").GetDouble().ShouldBeGreaterThan(0);

        var promoted = await Client.PostOkAsync($"{path}/{checkpoint.Text("id")}/promote");

        promoted.Text("alias").ShouldBe(checkpoint.Text("fine_tuned_model_checkpoint"));
        await server.CompleteAsync(new { model = checkpoint.Text("fine_tuned_model_checkpoint"), prompt = "Which", max_tokens = 1 });
        await LoraServeServer.ErrorAsync(await Client.PostAsync($"{path}/ftckpt_none/promote", null), 404);
        var page = await Client.GetFromJsonAsync<JsonElement>($"{path}?limit=1");
        page.GetProperty("has_more").GetBoolean().ShouldBe(checkpoints.Count > 1);
        await LoraServeServer.ErrorAsync(await Client.GetAsync($"{path}?after=none"), 404);
    }

    [Fact]
    public async Task Post_WrongRequest_IsRefusedAtOnce()
    {
        var file = await Client.FileAsync(TrainingCalls.Sql(2));
        (await RefusedAsync(new { model = "loraserve-demo", training_file = "file-none" }, 400)).Text("param").ShouldBe("training_file");
        (await RefusedAsync(new { model = "gpt-4o", training_file = file }, 404)).Text("code").ShouldBe("model_not_found");
        (await RefusedAsync(new { model = "loraserve-demo", training_file = file, validation_file = "../../etc/passwd" }, 400)).Text("param").ShouldBe("validation_file");

        async Task<JsonElement> RefusedAsync(object request, int status) =>
            await LoraServeServer.ErrorAsync(await Client.PostAsJsonAsync("/v1/fine_tuning/jobs", request), status);
    }

    private static string Ids(JsonElement list) => string.Join(' ', list.GetProperty("data").EnumerateArray().Select(job => job.Text("id")));
}
