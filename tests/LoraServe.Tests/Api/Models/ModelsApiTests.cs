using System.Net.Http.Json;
using System.Text.Json;

namespace LoraServe.Tests.Api.Models;

[Collection(nameof(DemoServer))]
public class ModelsApiTests(DemoServer server)
{
    [Fact]
    public async Task Get_List_HasTheBaseAndItsAdapters()
    {
        var list = await server.Client.GetFromJsonAsync<JsonElement>("/v1/models");

        list.GetProperty("object").GetString().ShouldBe("list");
        var models = list.GetProperty("data").EnumerateArray().ToList();
        models.Select(model => model.GetProperty("id").GetString()).ShouldBe(["loraserve-demo", "extract", "sentiment", "sql", "summarize"]);
        models[0].GetProperty("parent").ValueKind.ShouldBe(JsonValueKind.Null);
        models[0].GetProperty("max_model_len").GetInt32().ShouldBe(1024);
        models[1..].ShouldAllBe(model => model.GetProperty("parent").GetString() == "loraserve-demo");
    }

    [Fact]
    public async Task Get_Adapter_NamesItsVersionAndNoPath()
    {
        var model = await server.Client.GetFromJsonAsync<JsonElement>("/v1/models/sql");
        var adapter = await server.Client.GetFromJsonAsync<JsonElement>("/v1/adapters/sql");

        model.GetProperty("root").GetString().ShouldBe($"lora://sql@{adapter.GetProperty("version").GetString()}");
        model.GetProperty("max_model_len").ValueKind.ShouldBe(JsonValueKind.Null);
        model.GetProperty("permission")[0].GetProperty("allow_sampling").GetBoolean().ShouldBeTrue();
    }

    [Theory]
    [InlineData("/v1/models/nobody")]
    [InlineData("/v1/models/org/nobody")]
    public async Task Get_UnknownModel_IsNotFound(string path)
    {
        using var response = await server.Client.GetAsync(path);

        (await LoraServeServer.ErrorAsync(response, 404)).GetProperty("code").GetString().ShouldBe("model_not_found");
    }
}
