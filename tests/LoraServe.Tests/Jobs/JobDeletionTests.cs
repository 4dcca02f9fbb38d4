using System.Net.Http.Json;
using System.Text.Json;
using LoraServe.Jobs;
using LoraServe.Tests.Training;
using Microsoft.Extensions.DependencyInjection;

namespace LoraServe.Tests.Jobs;

[Collection(nameof(TrainingServer))]
public class JobDeletionTests(TrainingServer server)
{
    [Theory]
    [InlineData("fine_tuning/jobs", "fine_tuning.job")]
    [InlineData("evaluations", "evaluation")]
    [InlineData("rank_studies", "rank_study")]
    public async Task Delete_Job_IsRefusedUntilItHasEndedAndThenTakesAllOfItAway(string path, string kind)
    {
        var id = await SubmitAsync(path);
        var refused = await LoraServeServer.ErrorAsync(await server.Client.DeleteAsync($"/v1/{path}/{id}"), 409);
        refused.Text("code").ShouldBe("job_not_ended");
        refused.Text("message")!.ShouldContain("cancel it first");
        await server.Client.PostOkAsync($"/v1/{path}/{id}/cancel");
        var folder = server.Services.GetRequiredService<JobFolders>().Of(id);
        Directory.Exists(folder).ShouldBeTrue();

        using var response = await server.Client.DeleteAsync($"/v1/{path}/{id}");

        var deleted = await response.OkAsync();
        (deleted.Text("id"), deleted.Text("object"), deleted.GetProperty("deleted").GetBoolean()).ShouldBe((id, kind, true));
        Directory.Exists(folder).ShouldBeFalse();
        await LoraServeServer.ErrorAsync(await server.Client.GetAsync($"/v1/{path}/{id}"), 404);
        await LoraServeServer.ErrorAsync(await server.Client.DeleteAsync($"/v1/{path}/{id}"), 404);
        var list = await server.Client.GetFromJsonAsync<JsonElement>($"/v1/{path}");
        list.GetProperty("data").EnumerateArray().ShouldNotContain(job => job.Text("id") == id);
        server.Services.GetRequiredService<JobStore>().Events(id, before: null, limit: 1).Items.ShouldBeEmpty();
    }

    [Fact]
    public async Task Delete_TrainingThatSucceeded_LeavesItsAdapter()
    {
        var job = await server.Client.SuccessAsync(
            await server.Client.TrainAsync(await server.Client.FileAsync(TrainingCalls.Sql(2)), more: new { suffix = "outlives" }));

        using var response = await server.Client.DeleteAsync($"/v1/fine_tuning/jobs/{job.Text("id")}");

        await response.OkAsync();
        (await server.CompleteAsync(new { model = "ft:loraserve-demo:outlives", prompt = "a", max_tokens = 1 })).Text("model").ShouldBe("ft:loraserve-demo:outlives");
    }

    [Fact]
    public async Task Promote_TrainingWhoseFolderIsBeingDeleted_IsNotFound()
    {
        var job = await server.Client.SuccessAsync(await server.Client.TrainAsync(await server.Client.FileAsync(TrainingCalls.Sql(2))));
        var id = job.Text("id")!;
        Directory.Delete(server.Services.GetRequiredService<JobFolders>().Of(id), recursive: true);

        using var response = await server.Client.PostAsJsonAsync($"/v1/fine_tuning/jobs/{id}/promote", new { alias = "gone" });

        (await LoraServeServer.ErrorAsync(response, 404)).Text("message")!.ShouldContain(id);
    }

    // Something that does not end by itself while the test looks.
    private async Task<string> SubmitAsync(string path)
    {
        var file = await server.Client.FileAsync(TrainingCalls.Sql(path == "evaluations" ? 400 : 4));
        return (path switch
        {
            "evaluations" => await server.Client.PostOkAsync("/v1/evaluations", new { adapters = new[] { "base", "sql", "sentiment", "extract" }, file, generate = 400 }),
            "rank_studies" => await server.Client.PostOkAsync(
                "/v1/rank_studies", new { training_file = file, test_file = file, ranks = new[] { 1, 2, 4 }, seeds = 100 }),
            _ => await server.Client.TrainAsync(file, new { r = 2, steps = 100_000, learning_rate = 0.001 }, new { suffix = "deleted" }),
        }).Text("id")!;
    }
}
