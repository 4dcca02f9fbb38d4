using System.ClientModel;
using System.Text;
using System.Text.Json;
using LoraServe.Tests.Clients;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Files;
using OpenAI.FineTuning;

namespace LoraServe.Tests.Training;

/// <summary>OpenAI's unmodified client libraries, from the upload of a file to a completion of the adapter trained on it.</summary>
[Collection(nameof(TrainingServer))]
public class TrainingClientsTests(TrainingServer server)
{
    private string BaseUrl => new Uri(server.Client.BaseAddress!, "/v1").ToString();

    [Fact]
    public async Task DotNet_FilesAndJobs_EndToEnd()
    {
        var client = new OpenAIClient(new ApiKeyCredential("unused"), new OpenAIClientOptions { Endpoint = new Uri(BaseUrl) });
        var (files, training) = (client.GetOpenAIFileClient(), client.GetFineTuningClient());
        var data = TrainingCalls.Sql(8);

        var file = (await files.UploadFileAsync(new MemoryStream(Encoding.UTF8.GetBytes(data)), "sql.jsonl", FileUploadPurpose.FineTune)).Value;
        file.Filename.ShouldBe("sql.jsonl");
        (await files.GetFileAsync(file.Id)).Value.SizeInBytes.ShouldBe(Encoding.UTF8.GetByteCount(data));
        (await files.DownloadFileAsync(file.Id)).Value.ToString().ShouldBe(data);
        (await files.GetFilesAsync(FilePurpose.FineTune)).Value.ShouldContain(found => found.Id == file.Id);

        var body = BinaryContent.Create(BinaryData.FromObjectAsJson(new
        {
            model = "loraserve-demo",
            training_file = file.Id,
            suffix = "dotnet",
            validation_split = 0.25,
            metadata = new { origin = "dotnet" },
            method = new { type = "supervised", supervised = new { hyperparameters = new { batch_size = 2, lora = new { r = 2, steps = 2, learning_rate = 0.01 } } } },
        }));
        var job = await training.FineTuneAsync(body, waitUntilCompleted: false, options: null);
        job.JobId.ShouldStartWith("ftjob-");
        await job.WaitForCompletionAsync();

        job.Status.ToString().ShouldBe("succeeded");
        job.Value.ShouldBe("ft:loraserve-demo:dotnet");
        job.Metadata["origin"].ShouldBe("dotnet");
        job.ResultFileIds.ShouldHaveSingleItem();
        var events = new List<FineTuningEvent>();
        await foreach (var happened in job.GetEventsAsync(new GetEventsOptions { PageSize = 3 })) events.Add(happened);
        events.ShouldContain(happened => happened.Message.Contains("Step 2/2"));
        events.Select(happened => happened.Id).ShouldBeUnique();
        var checkpoints = new List<FineTuningCheckpoint>();
        await foreach (var checkpoint in job.GetCheckpointsAsync()) checkpoints.Add(checkpoint);
        checkpoints.ShouldContain(checkpoint => checkpoint.StepNumber == 2);
        var jobs = new List<FineTuningJob>();
        await foreach (var found in training.GetJobsAsync()) jobs.Add(found);
        jobs.ShouldContain(found => found.JobId == job.JobId);

        // The adapter is served at once.
        var answer = await client.GetChatClient(job.Value).CompleteChatAsync(
            [new UserChatMessage("Which products cost less than 59 euros?")], new ChatCompletionOptions { MaxOutputTokenCount = 4 });
        answer.Value.Model.ShouldBe(job.Value);

        (await files.DeleteFileAsync(file.Id)).Value.Deleted.ShouldBeTrue();
    }

    [Fact]
    public async Task DotNet_OptionsOfTheLibrary_AreTaken()
    {
        var client = new OpenAIClient(new ApiKeyCredential("unused"), new OpenAIClientOptions { Endpoint = new Uri(BaseUrl) });
        var file = (await client.GetOpenAIFileClient().UploadFileAsync(
            BinaryData.FromString(TrainingCalls.Sql(200)), "sql.jsonl", FileUploadPurpose.FineTune)).Value;
        var options = new FineTuningOptions
        {
            Suffix = "dotnet-options",
            Seed = 3,
            TrainingMethod = FineTuningTrainingMethod.CreateSupervised(batchSize: 2, epochCount: 50),
        };

        var job = await client.GetFineTuningClient().FineTuneAsync("loraserve-demo", file.Id, waitUntilCompleted: false, options);
        await job.CancelAndUpdateAsync();

        job.Seed.ShouldBe(3);
        job.UserProvidedSuffix.ShouldBe("dotnet-options");
        job.Status.ToString().ShouldBe("cancelled");
        var error = await Should.ThrowAsync<ClientResultException>(() => job.CancelAndUpdateAsync());
        error.Status.ShouldBe(400);
        error.Message.ShouldContain("has ended already");
    }

    [Fact]
    public async Task Npm_FilesAndJobs_EndToEnd()
    {
        NodePackages.SkipWithoutNode();

        var result = JsonSerializer.Deserialize<JsonElement>(await NodePackages.RunAsync("openai-training.mjs", BaseUrl, TrainingCalls.Sql(8)));

        (result.Text("file_status"), result.Text("status"), result.Text("model")).ShouldBe(("processed", "succeeded", "ft:loraserve-demo:npm"));
        result.Text("content").ShouldBe(TrainingCalls.Sql(8));
        result.GetProperty("events").GetInt32().ShouldBeGreaterThan(4);
        result.GetProperty("checkpoints").GetInt32().ShouldBeGreaterThan(0);
        result.GetProperty("listed").GetBoolean().ShouldBeTrue();
        result.Text("paused").ShouldBeOneOf("queued", "validating_files");
        result.Text("answered_by").ShouldBe("ft:loraserve-demo:npm");
        result.GetProperty("deleted").GetBoolean().ShouldBeTrue();
        result.GetProperty("error").Text("class").ShouldBe("BadRequestError");
        result.GetProperty("error").Text("param").ShouldBe("method.supervised.hyperparameters.batch_size");
    }
}
