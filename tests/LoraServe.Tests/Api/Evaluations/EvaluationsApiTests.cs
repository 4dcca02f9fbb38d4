using System.Net.Http.Json;
using System.Text.Json;
using LoraServe.Tests.Training;

namespace LoraServe.Tests.Api.Evaluations;

[Collection(nameof(TrainingServer))]
public class EvaluationsApiTests(TrainingServer server)
{
    [Fact]
    public async Task Post_AdaptersAndBase_ComparesThem()
    {
        var file = await server.Client.FileAsync(TrainingCalls.Sql(6, "test"));
        var taken = await server.Client.PostOkAsync("/v1/evaluations", new { adapters = new[] { "base", "sql", "sentiment" }, file, generate = 4, examples = 5 });
        (taken.Text("object"), taken.Text("status")).ShouldBe(("evaluation", "validating_files"));

        var evaluation = await server.Client.WhenAsync($"/v1/evaluations/{taken.Text("id")}");

        evaluation.Text("status").ShouldBe("succeeded", evaluation.ToString());
        var results = evaluation.GetProperty("results").EnumerateArray().ToList();
        results.Select(result => result.Text("adapter")).ShouldBe(["base", "sql", "sentiment"]);
        results[0].Text("version").ShouldBe("base");
        var figures = results.ConvertAll(result => result.GetProperty("figures"));
        figures.ShouldAllBe(figure => figure.GetProperty("examples").GetInt32() == 6 && figure.GetProperty("generated_examples").GetInt32() == 4);
        Number(1, "loss").ShouldBeLessThan(Number(0, "loss"));
        Number(1, "perplexity").ShouldBe(Math.Exp(Number(1, "loss")), 1e-9);
        Number(1, "exact_match").ShouldBeGreaterThanOrEqualTo(0.75);
        Number(0, "exact_match").ShouldBe(0);
        var examples = results[1].GetProperty("examples").EnumerateArray().ToList();
        examples.Select(example => example.GetProperty("line").GetInt32()).ShouldBe([1, 2, 3, 4, 5]);
        examples[0].Text("expected").ShouldBe("SELECT name FROM products WHERE price < 59;");
        examples[0].Text("output").ShouldBe("SELECT name FROM products WHERE price < 59;");
        examples[0].GetProperty("exact_match").GetBoolean().ShouldBeTrue();
        examples[4].GetProperty("output").ValueKind.ShouldBe(JsonValueKind.Null);
        var list = await server.Client.GetFromJsonAsync<JsonElement>("/v1/evaluations?limit=1");
        list.GetProperty("data")[0].Text("id").ShouldBe(taken.Text("id"));

        double Number(int result, string name) => figures[result].GetProperty(name).GetDouble();
    }

    [Fact]
    public async Task Post_BadFile_FailsWithItsReason()
    {
        var file = await server.Client.FileAsync("{}", "wrong.jsonl");

        var taken = await server.Client.PostOkAsync("/v1/evaluations", new { adapters = new[] { "sql" }, file });
        var evaluation = await server.Client.WhenAsync($"/v1/evaluations/{taken.Text("id")}");

        (evaluation.Text("status"), evaluation.GetProperty("error").Text("param")).ShouldBe(("failed", "file"));
        evaluation.GetProperty("error").Text("message")!.ShouldContain("wrong.jsonl");
        await LoraServeServer.ErrorAsync(await server.Client.PostAsync($"/v1/evaluations/{taken.Text("id")}/cancel", null), 400);
    }

    [Theory]
    [InlineData("""{"adapters": [], "file": "FILE"}""", 400)]
    [InlineData("""{"adapters": ["sql"]}""", 400)]
    [InlineData("""{"adapters": ["sql"], "file": "file-none"}""", 400)]
    [InlineData("""{"adapters": ["nobody"], "file": "FILE"}""", 404)]
    [InlineData("""{"adapters": ["a b"], "file": "FILE"}""", 400)]
    [InlineData("""{"adapters": ["sql"], "file": "FILE", "generate": -1}""", 400)]
    public async Task Post_WrongRequest_IsRefusedAtOnce(string body, int status)
    {
        var file = await server.Client.FileAsync(TrainingCalls.Sql(1));

        using var response = await server.PostAsync("/v1/evaluations", body.Replace("FILE", file));

        await LoraServeServer.ErrorAsync(response, status);
    }
}
