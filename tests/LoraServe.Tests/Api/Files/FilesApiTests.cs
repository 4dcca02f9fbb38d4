using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using LoraServe.Audit;
using LoraServe.Tests.Training;
using Microsoft.Extensions.DependencyInjection;

namespace LoraServe.Tests.Api.Files;

[Collection(nameof(TrainingServer))]
public class FilesApiTests(TrainingServer server)
{
    private const string Line = """{"prompt": "a", "completion": "b"}""";

    [Fact]
    public async Task Post_File_IsStoredAsItIs()
    {
        using var response = await server.Client.UploadAsync(Line, "my data.jsonl", "fine-tune", ("expires_after[anchor]", "created_at"), ("expires_after[seconds]", "3600"));
        var file = await response.OkAsync();
        var id = file.Text("id")!;

        id.ShouldStartWith("file-");
        (file.Text("object"), file.Text("filename"), file.Text("purpose"), file.Text("status")).ShouldBe(("file", "my data.jsonl", "fine-tune", "processed"));
        file.GetProperty("bytes").GetInt64().ShouldBe(Encoding.UTF8.GetByteCount(Line));
        (file.GetProperty("expires_at").GetInt64() - file.GetProperty("created_at").GetInt64()).ShouldBe(3600);
        (await server.Client.GetFromJsonAsync<JsonElement>($"/v1/files/{id}")).ToString().ShouldBe(file.ToString());
        (await server.Client.GetStringAsync($"/v1/files/{id}/content")).ShouldBe(Line);
        File.Exists(Path.Combine(server.Data, "files", id)).ShouldBeTrue();
    }

    [Fact]
    public async Task Post_NamesWithoutQuotesFileFirst_IsRead()
    {
        var body = $"--x\r\nContent-Disposition: form-data; name=file; filename=a.jsonl\r\nContent-Type: application/octet-stream\r\n\r\n{Line}\r\n"
            + "--x\r\nContent-Disposition: form-data; name=purpose\r\n\r\nfine-tune\r\n--x--\r\n";
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", "multipart/form-data; boundary=x");

        using var response = await server.Client.PostAsync("/v1/files", content);

        (await response.OkAsync()).Text("filename").ShouldBe("a.jsonl");
    }

    [Fact]
    public async Task Post_LinesThatAreWrong_KeepsTheFileWithEveryReason()
    {
        using var response = await server.Client.UploadAsync($"{Line}\nno json\n{Line}\n{{\"prompt\": 1}}", "bad.jsonl");
        var file = await response.OkAsync();

        file.Text("status").ShouldBe("error");
        var details = file.Text("status_details")!;
        details.ShouldContain("bad.jsonl");
        details.ShouldContain("2");
        details.ShouldContain("4");
        details.ShouldNotContain(server.Data);
    }

    [Theory]
    [InlineData("assistants", null, null, "purpose")]
    [InlineData("fine-tune", "expires_after[seconds]", "60", "expires_after.seconds")]
    [InlineData("fine-tune", "expires_after[anchor]", "now", "expires_after.anchor")]
    [InlineData("fine-tune", "surprise", "x", "surprise")]
    public async Task Post_WrongForm_IsRefused(string purpose, string? field, string? value, string message)
    {
        using var response = await server.Client.UploadAsync(Line, "a.jsonl", purpose, field is null ? [] : [(field, value!)]);

        (await LoraServeServer.ErrorAsync(response, 400)).Text("message")!.ShouldContain(message);
    }

    [Theory]
    [InlineData("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nfine-tune\r\n")]
    [InlineData("multipart/form-data; boundary=x", "--x--\r\n")]
    [InlineData("multipart/form-data", "x")]
    [InlineData("application/json", "{}")]
    public async Task Post_BrokenForm_IsRefused(string type, string body)
    {
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", type);

        using var response = await server.Client.PostAsync("/v1/files", content);

        await LoraServeServer.ErrorAsync(response, 400);
    }

    [Fact]
    public async Task Post_TooLarge_IsRefusedAndLeavesNothing()
    {
        using var response = await server.Client.UploadAsync(new string('a', (1 << 20) + 1));

        await LoraServeServer.ErrorAsync(response, 413);
        Directory.EnumerateFiles(Path.Combine(server.Data, "files", "incoming")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Get_List_PagesFiltersAndOrders()
    {
        var ids = new List<string>();
        for (var i = 0; i < 3; i++) ids.Add(await server.Client.FileAsync(Line, $"page-{i}.jsonl"));

        var newest = await server.Client.GetFromJsonAsync<JsonElement>("/v1/files?limit=2&purpose=fine-tune");
        var next = await server.Client.GetFromJsonAsync<JsonElement>($"/v1/files?limit=1&after={ids[1]}");
        var oldest = await server.Client.GetFromJsonAsync<JsonElement>($"/v1/files?order=asc&after={ids[0]}");

        Ids(newest).ShouldBe([ids[2], ids[1]]);
        newest.GetProperty("has_more").GetBoolean().ShouldBeTrue();
        (newest.Text("first_id"), newest.Text("last_id")).ShouldBe((ids[2], ids[1]));
        Ids(next).ShouldBe([ids[0]]);
        Ids(oldest).Take(2).ShouldBe([ids[1], ids[2]]);
        oldest.GetProperty("has_more").GetBoolean().ShouldBeFalse();
        foreach (var id in ids) (await server.Client.DeleteAsync($"/v1/files/{id}")).IsSuccessStatusCode.ShouldBeTrue();
    }

    [Theory]
    [InlineData("?limit=0", 400)]
    [InlineData("?limit=10001", 400)]
    [InlineData("?order=up", 400)]
    [InlineData("?after=file-none", 404)]
    public async Task Get_ListWithWrongParameter_IsRefused(string query, int status) =>
        await LoraServeServer.ErrorAsync(await server.Client.GetAsync($"/v1/files{query}"), status);

    [Fact]
    public async Task Delete_File_TakesItFromTheDisk()
    {
        var id = await server.Client.FileAsync(Line);

        using var response = await server.Client.DeleteAsync($"/v1/files/{id}");

        (await response.OkAsync()).GetProperty("deleted").GetBoolean().ShouldBeTrue();
        File.Exists(Path.Combine(server.Data, "files", id)).ShouldBeFalse();
        foreach (var path in new[] { $"/v1/files/{id}", $"/v1/files/{id}/content" })
            (await LoraServeServer.ErrorAsync(await server.Client.GetAsync(path), 404)).Text("code").ShouldBe("file_not_found");
    }

    [Fact]
    public async Task Delete_FileWhoseContentCannotBeDeleted_IsDeletedAllTheSame()
    {
        var id = await server.Client.FileAsync(Line);
        var path = Path.Combine(server.Data, "files", id);
        File.Delete(path);
        Directory.CreateDirectory(path);

        using var response = await server.Client.DeleteAsync($"/v1/files/{id}");
        Directory.Delete(path);

        await response.OkAsync();
        server.Services.GetRequiredService<AuditLog>().List(before: null, limit: 1000)
            .ShouldContain(entry => entry.Action == AuditAction.FileDeleted && entry.Target == id);
        (await LoraServeServer.ErrorAsync(await server.Client.GetAsync($"/v1/files/{id}"), 404)).Text("code").ShouldBe("file_not_found");
    }

    private static IEnumerable<string> Ids(JsonElement list) => list.GetProperty("data").EnumerateArray().Select(file => file.Text("id")!);
}
