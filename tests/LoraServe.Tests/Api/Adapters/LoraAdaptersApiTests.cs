using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace LoraServe.Tests.Api.Adapters;

public class LoraAdaptersApiTests(LoraAdaptersApiTests.RootServer server) : IClassFixture<LoraAdaptersApiTests.RootServer>
{
    private const string Question = "Which products cost less than 59 euros?";

    [Fact]
    public async Task Load_FolderBelowTheRoot_AnswersUntilItIsUnloaded()
    {
        (await TextAsync("load", new { lora_name = "loaded", lora_path = "sql" }))
            .ShouldBe("Success: LoRA adapter 'loaded' added successfully.");
        (await CompleteAsync("loaded")).ShouldBe("SELECT name FROM products WHERE price < 59;");

        (await TextAsync("unload", new { lora_name = "loaded", lora_int_id = 1 }))
            .ShouldBe("Success: LoRA adapter 'loaded' removed successfully.");
        using var gone = await server.Client.GetAsync("/v1/models/loaded");
        gone.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Load_AbsolutePathAndLinksThatStayBelow_AreTaken()
    {
        await TextAsync("load", new { lora_name = "absolute", lora_path = Path.Combine(server.Root, "sql") });
        await TextAsync("load", new { lora_name = "linked", lora_path = "linked-folder" });
        await TextAsync("load", new { lora_name = "snapshot", lora_path = "linked-files/." });

        (await VersionAsync("linked")).ShouldBe(await VersionAsync("absolute"));
        (await VersionAsync("snapshot")).ShouldBe(await VersionAsync("absolute"));
    }

    [Fact]
    public async Task Load_NameThatIsTaken_NeedsLoadInplace()
    {
        await TextAsync("load", new { lora_name = "twice", lora_path = "sql" });
        var first = await VersionAsync("twice");

        (await ErrorAsync("load", new { lora_name = "twice", lora_path = "sentiment" }, 400)).ShouldBe("adapter_exists");
        (await VersionAsync("twice")).ShouldBe(first);
        await TextAsync("load", new { lora_name = "twice", lora_path = "sentiment", load_inplace = true });
        (await VersionAsync("twice")).ShouldNotBe(first);
    }

    [Theory]
    [InlineData("/etc")]
    [InlineData("..")]
    [InlineData("../secret")]
    [InlineData("sql/../../secret")]
    [InlineData("way-out")]
    [InlineData("way-out/sql")]
    [InlineData("files-out")]
    [InlineData("relative-way-out")]
    [InlineData("link-to-way-out")]
    [InlineData("../root-namesake")]
    public async Task Load_PathThatLeadsOut_IsRefused(string path)
    {
        (await ErrorAsync("load", new { lora_name = "out", lora_path = path }, 400)).ShouldBe("path_not_allowed");
        (await server.Client.GetAsync("/v1/adapters/out")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("nothing-here", 400)]
    [InlineData("circle", 400)]
    [InlineData("sql/adapter_config.json", 400)]
    [InlineData("sql\0", 400)]
    [InlineData(".", 400)]
    [InlineData("pickle", 422)]
    public async Task Load_FolderWithoutAnAdapter_IsRefused(string path, int status)
    {
        await ErrorAsync("load", new { lora_name = "none", lora_path = path }, status);
        (await server.Client.GetAsync("/v1/adapters/none")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    // Opening a pipe waits for somebody who writes to it: the limit tells a hang.
    [Theory(Timeout = 60_000)]
    [InlineData("adapter_model.safetensors")]
    [InlineData("notes.txt")]
    public async Task Load_FolderWithAPipe_IsRefused(string fileName)
    {
        var folder = Directory.CreateDirectory(Path.Combine(server.Root, $"pipe-{fileName}")).FullName;
        using var process = System.Diagnostics.Process.Start("mkfifo", [Path.Combine(folder, fileName)]);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        await ErrorAsync("load", new { lora_name = "none", lora_path = Path.GetFileName(folder) }, 400);
    }

    [Fact]
    public async Task Load_EndlessPath_IsRefused()
    {
        await ErrorAsync("load", new { lora_name = "none", lora_path = new string('x', 100_000) }, 400);
        await ErrorAsync("load", new { lora_name = "none", lora_path = string.Concat(Enumerable.Repeat("x/", 100_000)) }, 400);
    }

    [Theory]
    [InlineData("load", "{}", 400)]
    [InlineData("load", """{"lora_name": "a"}""", 400)]
    [InlineData("load", """{"lora_name": "../a", "lora_path": "sql"}""", 400)]
    [InlineData("load", """{"lora_name": "loraserve-demo", "lora_path": "sql"}""", 400)]
    [InlineData("load", """{"lora_name": "sql", "lora_path": "sentiment", "load_inplace": true}""", 409)]
    [InlineData("unload", "{}", 400)]
    [InlineData("unload", """{"lora_name": "nobody"}""", 404)]
    [InlineData("unload", """{"lora_name": "sql"}""", 409)]
    public async Task Post_BadInput_IsRefused(string action, string body, int status)
    {
        using var response = await server.PostAsync($"/v1/{action}_lora_adapter", body);

        await LoraServeServer.ErrorAsync(response, status);
    }

    private async Task<string> TextAsync(string action, object request)
    {
        using var response = await server.Client.PostAsJsonAsync($"/v1/{action}_lora_adapter", request);
        var text = await response.Content.ReadAsStringAsync();
        response.StatusCode.ShouldBe(HttpStatusCode.OK, text);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/plain");
        return text;
    }

    private async Task<string?> ErrorAsync(string action, object request, int status)
    {
        using var response = await server.Client.PostAsJsonAsync($"/v1/{action}_lora_adapter", request);
        return (await LoraServeServer.ErrorAsync(response, status)).GetProperty("code").GetString();
    }

    private async Task<string> VersionAsync(string name) =>
        (await server.Client.GetFromJsonAsync<JsonElement>($"/v1/adapters/{name}")).GetProperty("version").GetString()!;

    private async Task<string> CompleteAsync(string model) =>
        (await server.CompleteAsync(new { model, prompt = Question, temperature = 0, max_tokens = 32 }))
            .GetProperty("choices")[0].GetProperty("text").GetString()!;

    /// <summary>A folder of adapters, links within it, and links out of it.</summary>
    public sealed class RootServer : LoraServeServer
    {
        private readonly DirectoryInfo _parent;

        public RootServer()
            : this(Directory.CreateTempSubdirectory("loraserve-root-"))
        {
        }

        private RootServer(DirectoryInfo parent)
            : base(Settings(("LoraPathRoot", Create(parent))))
        {
            (_parent, Root) = (parent, Path.Combine(parent.FullName, "root"));
        }

        public string Root { get; }

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            _parent.Delete(recursive: true);
        }

        private static string Create(DirectoryInfo parent)
        {
            var root = parent.CreateSubdirectory("root").FullName;
            var secret = parent.CreateSubdirectory("secret").FullName;
            Copy("sql", Path.Combine(root, "sql"));
            Copy("sentiment", Path.Combine(root, "sentiment"));
            Copy("sql", Path.Combine(secret, "sql"));
            Copy("sql", secret);
            Copy("sql", Path.Combine(parent.FullName, "root-namesake"));
            Directory.CreateSymbolicLink(Path.Combine(root, "linked-folder"), "sql");
            Directory.CreateSymbolicLink(Path.Combine(root, "way-out"), secret);
            Directory.CreateSymbolicLink(Path.Combine(root, "relative-way-out"), "../secret");
            Directory.CreateSymbolicLink(Path.Combine(root, "link-to-way-out"), "way-out/sql");
            Directory.CreateSymbolicLink(Path.Combine(root, "circle"), "circle");
            foreach (var (folder, target) in ((string, string)[])[("linked-files", "../sql"), ("files-out", "../../secret")])
            {
                Directory.CreateDirectory(Path.Combine(root, folder));
                foreach (var file in (string[])["adapter_config.json", "adapter_model.safetensors"])
                    File.CreateSymbolicLink(Path.Combine(root, folder, file), $"{target}/{file}");
            }

            Copy("sql", Path.Combine(root, "pickle"));
            File.Move(Path.Combine(root, "pickle", "adapter_model.safetensors"), Path.Combine(root, "pickle", "adapter_model.bin"));
            return root;
        }

        private static void Copy(string adapter, string folder)
        {
            Directory.CreateDirectory(folder);
            foreach (var file in Directory.EnumerateFiles(Repository.File("src", "LoraServe", "Demo", "adapters", adapter)))
                File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }
    }
}
