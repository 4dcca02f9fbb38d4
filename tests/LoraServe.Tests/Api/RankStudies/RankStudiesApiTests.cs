using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LoraServe.Jobs;
using LoraServe.Tests.Training;
using LoraServe.Training;
using Microsoft.Extensions.DependencyInjection;

namespace LoraServe.Tests.Api.RankStudies;

[Collection(nameof(TrainingServer))]
public class RankStudiesApiTests(TrainingServer server)
{
    [Fact]
    public async Task Post_TwoRanksAndFull_FindsThePlateauAndWritesAReport()
    {
        var taken = await SubmitAsync(new { ranks = new[] { 1, 2 }, seeds = 2 });
        (taken.Text("object"), taken.Text("status")).ShouldBe(("rank_study", "validating_files"));
        var path = $"/v1/rank_studies/{taken.Text("id")}";
        await LoraServeServer.ErrorAsync(await server.Client.GetAsync($"{path}/report.html"), 400);

        var study = await server.Client.WhenAsync(path);

        study.Text("status").ShouldBe("succeeded", study.ToString());
        (Number("trainings_done"), Number("trainings_total")).ShouldBe((6, 6));
        study.Text("recommendation")!.ShouldStartWith($"Take r = {Number("plateau_rank")} on all-linear");
        var settings = study.GetProperty("settings").EnumerateArray().ToList();
        settings.Select(setting => setting.Text("target")).ShouldBe(["all-linear", "all-linear", "full"]);
        settings[1].GetProperty("parameters").GetInt64().ShouldBe(2 * settings[0].GetProperty("parameters").GetInt64());
        settings[2].GetProperty("share").GetDouble().ShouldBe(1);
        using var report = await server.Client.GetAsync(study.Text("report"));
        report.StatusCode.ShouldBe(HttpStatusCode.OK);
        report.Content.Headers.ContentType!.MediaType.ShouldBe("text/html");
        (await report.Content.ReadAsStringAsync()).ShouldContain(WebUtility.HtmlEncode(study.Text("recommendation")!));
        var list = await server.Client.GetFromJsonAsync<JsonElement>("/v1/rank_studies?limit=1");
        list.GetProperty("data")[0].Text("id").ShouldBe(taken.Text("id"));
        // As it is for a moment while the study is deleted.
        File.Delete(RankStudyOrder.Report(server.Services.GetRequiredService<JobFolders>().Of(taken.Text("id")!)));
        await LoraServeServer.ErrorAsync(await server.Client.GetAsync($"{path}/report.html"), 404);

        int Number(string name) => study.GetProperty(name).GetInt32();
    }

    [Fact]
    public async Task Post_RankAboveWhatModulesAllow_FailsWithItsReason()
    {
        var taken = await SubmitAsync(new { ranks = new[] { 1, 5000 }, seeds = 1 });

        var study = await server.Client.WhenAsync($"/v1/rank_studies/{taken.Text("id")}");

        study.Text("status").ShouldBe("failed");
        study.GetProperty("error").Text("message")!.ShouldContain("5000");
        await LoraServeServer.ErrorAsync(await server.Client.GetAsync($"/v1/rank_studies/{taken.Text("id")}/report.html"), 400);
    }

    [Fact]
    public async Task Post_PlacementThatIsTooLong_IsRefused()
    {
        var request = new { training_file = "file-1", test_file = "file-2", targets = new[] { "all-linear", new string('x', 1_000_000) } };

        var error = await LoraServeServer.ErrorAsync(await server.Client.PostAsJsonAsync("/v1/rank_studies", request), 400);

        error.Text("param").ShouldBe("targets");
        error.Text("message")!.Length.ShouldBeLessThan(200);
    }

    [Fact]
    public async Task Cancel_Study_EndsIt()
    {
        var taken = await SubmitAsync(new { ranks = new[] { 1 }, seeds = 100 });

        var cancelled = await server.Client.PostOkAsync($"/v1/rank_studies/{taken.Text("id")}/cancel", new { });

        cancelled.Text("status").ShouldBe("cancelled");
    }

    [Theory]
    [InlineData("""{"test_file": "FILE"}""")]
    [InlineData("""{"training_file": "FILE", "test_file": "file-none"}""")]
    [InlineData("""{"training_file": "FILE", "test_file": "FILE", "ranks": []}""")]
    [InlineData("""{"training_file": "FILE", "test_file": "FILE", "seeds": 0}""")]
    [InlineData("""{"training_file": "FILE", "test_file": "FILE", "ranks": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "seeds": 100, "full": true}""")]
    [InlineData("""{"training_file": "FILE", "test_file": "FILE", "hyperparameters": {"lora": {"r": 4}}}""")]
    [InlineData("""{"training_file": "FILE", "test_file": "FILE", "steps": 4}""")]
    public async Task Post_WrongRequest_IsRefusedAtOnce(string body)
    {
        var file = await server.Client.FileAsync(TrainingCalls.Sql(1));

        using var response = await server.PostAsync("/v1/rank_studies", body.Replace("FILE", file));

        await LoraServeServer.ErrorAsync(response, 400);
    }

    private async Task<JsonElement> SubmitAsync(object study)
    {
        var request = JsonSerializer.SerializeToNode(study)!.AsObject();
        request["training_file"] = await server.Client.FileAsync(TrainingCalls.Sql(8));
        request["test_file"] = await server.Client.FileAsync(TrainingCalls.Sql(4, "test"));
        request["hyperparameters"] = JsonSerializer.SerializeToNode(
            new { batch_size = 4, lora = new { steps = 2, exact_match_examples = 2, alpha = 4 } });
        return await server.Client.PostOkAsync("/v1/rank_studies", request);
    }
}
