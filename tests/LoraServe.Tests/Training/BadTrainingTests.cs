using System.Net.Http.Json;
using System.Text.Json;

namespace LoraServe.Tests.Training;

/// <summary>Faults that are found only when a job reads its data: the job fails with the reason.</summary>
[Collection(nameof(TrainingServer))]
public class BadTrainingTests(TrainingServer server)
{
    private const string Good = """{"prompt": "a", "completion": "b"}""";

    public static TheoryData<string, string, string> Files => new()
    {
        { "empty", "", "" },
        { "blank lines", "\n\n\n", "" },
        { "one line broken", $"{Good}\n{{\"prompt\": \"a\"\n{Good}", "2" },
        { "no completion", $"{Good}\n{{\"prompt\": \"a\"}}", "completion" },
        { "empty completion", """{"prompt": "a", "completion": ""}""", "completion" },
        { "completion of a wrong type", """{"prompt": "a", "completion": 1}""", "completion" },
        { "an array", "[1, 2]", "1" },
        { "a text", "\"a\"", "1" },
        { "no messages", """{"messages": []}""", "messages" },
        { "messages of a wrong type", """{"messages": "hello"}""", "messages" },
        { "wrong role", """{"messages": [{"role": "robot", "content": "a"}, {"role": "assistant", "content": "b"}]}""", "robot" },
        { "no assistant", """{"messages": [{"role": "user", "content": "a"}]}""", "assistant" },
        { "wrong weight", """{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 2}]}""", "weight" },
        { "all weights 0", """{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0}]}""", "" },
        { "half a character", """{"prompt": "a", "completion": "\ud800"}""", "1" },
        { "too long", $"{{\"prompt\": \"{new string('a', 5000)}\", \"completion\": \"b\"}}", "1" },
        { "preferences", """{"input": {"messages": []}, "preferred_output": [], "non_preferred_output": []}""", "1" },
        { "CSV", "prompt,completion\na,b", "1" },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Post_BadFile_FailsWithItsReason(string name, string content, string reason)
    {
        var job = await server.Client.EndAsync(await server.Client.TrainAsync(await server.Client.FileAsync(content, "bad.jsonl")));

        job.Text("status").ShouldBe("failed", name);
        var error = job.GetProperty("error");
        (error.Text("code"), error.Text("param")).ShouldBe(("invalid_training_file", "training_file"), error.ToString());
        error.Text("message")!.ShouldContain("bad.jsonl");
        error.Text("message")!.ShouldContain(reason);
        error.Text("message")!.ShouldNotContain(server.Data);
        (await server.Client.EventsAsync(job.Text("id")!))[^1].Text("level").ShouldBe("error");
    }

    // Hyperparameters that are invalid for any data are refused at once.
    [Theory]
    [InlineData("""{"r": 129, "target_modules": ["k_proj"]}""", "lora.r", "128")]
    [InlineData("""{"r": 4096}""", "lora.r", "max-lora-rank")]
    [InlineData("""{"target_modules": ["no_such_proj"]}""", "lora.target_modules", "no_such_proj")]
    [InlineData("""{"target_modules": "everything"}""", "lora.target_modules", "everything")]
    [InlineData("""{"rank_pattern": {"no_such_proj": 4}}""", "lora.rank_pattern", "no_such_proj")]
    [InlineData("""{"max_seq_len": 100000}""", "lora.max_seq_len", "1024")]
    [InlineData("""{"early_stopping": 3}""", "lora.early_stopping", "validation")]
    [InlineData("""{"learning_rate": 2}""", "lora.learning_rate", "at most 1")]
    public async Task Post_BadHyperparameters_AreRefusedAtOnce(string lora, string param, string reason)
    {
        var file = await server.Client.FileAsync(TrainingCalls.Sql(2));
        var hyperparameters = new { lora = JsonSerializer.Deserialize<JsonElement>(lora) };

        using var response = await server.Client.PostAsJsonAsync(
            "/v1/fine_tuning/jobs",
            new { model = "loraserve-demo", training_file = file, method = new { type = "supervised", supervised = new { hyperparameters } } });
        var error = await LoraServeServer.ErrorAsync(response, 400);

        error.Text("param").ShouldBe($"method.supervised.hyperparameters.{param}");
        error.Text("message")!.ShouldContain(reason);
    }

    [Fact]
    public async Task Post_HyperparametersThatDoNotFitTheData_FailWithTheReason()
    {
        var file = await server.Client.FileAsync(TrainingCalls.Sql(2));

        var job = await server.Client.EndAsync(await server.Client.TrainAsync(file, new { r = 2, steps = 2, warmup_steps = 2 }));

        (job.Text("status"), job.GetProperty("error").Text("code")).ShouldBe(("failed", "invalid_hyperparameters"));
        job.GetProperty("error").Text("message")!.ShouldContain("warmup_steps");
    }

    [Fact]
    public async Task Post_BadValidationFile_SaysWhichFile()
    {
        var file = await server.Client.FileAsync(TrainingCalls.Sql(2));
        var bad = await server.Client.FileAsync("{}", "held-out.jsonl");

        var job = await server.Client.EndAsync(await server.Client.TrainAsync(file, more: new { validation_file = bad }));

        job.GetProperty("error").Text("param").ShouldBe("validation_file");
        job.GetProperty("error").Text("message")!.ShouldContain("held-out.jsonl");
    }

    [Fact]
    public async Task Post_LearningRateThatDiverges_FailsAndTheNextJobRuns()
    {
        var file = await server.Client.FileAsync(TrainingCalls.Sql(4));

        var job = await server.Client.EndAsync(await server.Client.TrainAsync(
            file, new { r = 2, steps = 40, learning_rate = 1, warmup_steps = 0, max_grad_norm = 0, weight_decay = 0, schedule = "constant" }));
        var next = await server.Client.TrainAsync(file, more: new { suffix = "after-failure" });

        // Whether the loss becomes NaN depends on rounding; in either case the server must continue.
        job.Text("status").ShouldBeOneOf("failed", "succeeded");
        await server.Client.SuccessAsync(next);
    }
}
