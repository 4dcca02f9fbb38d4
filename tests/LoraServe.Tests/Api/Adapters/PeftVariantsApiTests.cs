using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LoraServe.Tests.Api.Adapters;

/// <summary>Adapters as tools around PEFT write them: the same one has the same version, and so the same logits.</summary>
[Collection(nameof(DemoServer))]
public class PeftVariantsApiTests(DemoServer server)
{
    private const string Question = "Which products cost less than 59 euros?";

    private const string Pointer = """
        version https://git-lfs.github.com/spec/v1
        oid sha256:fd6abf95832c2a085eec96aff4a98a45d21ea251058c09ce05702cd49295e2cb
        size 1049

        """;

    [Theory]
    [InlineData("target_modules", """ "^(model(?=\\.).*\\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj))$" """)]
    [InlineData("target_modules", """ "^(model)(?!.*(lm_head|output|emb|wte|shared)).*" """)]
    [InlineData("target_modules", """ "^(?!.*visual).*(?:o_proj|up_proj|v_proj|down_proj|k_proj|q_proj|gate_proj).*" """)]
    [InlineData("rank_pattern", """ {"(?!lm).*q_proj": 8} """)]
    [InlineData("alpha_pattern", """ {"(?<=mlp\\.)up_proj": 8} """)]
    [InlineData("exclude_modules", """ "^(?!.*layers).*" """)]
    [InlineData("target_modules", """ "model\\.layers\\.\\d{,2}\\.(self_attn|mlp)\\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)" """)]
    [InlineData("init_lora_weights", """ "true" """)]
    [InlineData("task_type", """ "SEQ_2_SEQ_LM" """)]
    public async Task Put_FieldAsOtherToolsWriteIt_IsTheSameAdapter(string field, string value) =>
        await ShouldBeSqlAsync(new PeftUpload().Set(field, JsonNode.Parse(value)));

    [Fact]
    public async Task Put_TaskTypeOfAnotherKind_IsAWarning()
    {
        var upload = new PeftUpload().Set("task_type", "SEQ_2_SEQ_LM");
        using var response = await server.Client.PutAsync("/v1/adapters/variant?dry_run=true", new ByteArrayContent(upload.Zip()));

        (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("warnings").EnumerateArray().Select(warning => warning.GetString()!)
            .ShouldHaveSingleItem().ShouldContain("task_type: made for SEQ_2_SEQ_LM");
    }

    [Fact]
    public async Task Put_ContentThatAnotherNameHas_ShowsWhatCameWithIt()
    {
        var upload = new PeftUpload().Set("base_model_name_or_path", "/home/somebody/secret-base");
        using var response = await server.Client.PutAsync("/v1/adapters/variant", new ByteArrayContent(upload.Zip()));
        try
        {
            var variant = await response.Content.ReadFromJsonAsync<JsonElement>();
            variant.GetProperty("base_model_name_or_path").GetString().ShouldBe("/home/somebody/secret-base");
            variant.GetProperty("warnings").GetArrayLength().ShouldBe(1);
            (await server.Client.GetStringAsync("/v1/adapters/sql")).ShouldNotContain("secret-base");
        }
        finally
        {
            await server.Client.DeleteAsync("/v1/adapters/variant");
        }
    }

    [Theory]
    [InlineData("base_model.model.model.embed_tokens.weight")]
    [InlineData("base_model.model.lm_head.weight")]
    public async Task Put_UntouchedCopyOfTheEmbedding_IsTheSameAdapter(string name) =>
        await ShouldBeSqlAsync(new PeftUpload().AddOfBase("model.embed_tokens.weight", name, isChanged: false));

    [Fact]
    public async Task Put_ChangedCopyOfTheEmbedding_IsRefused()
    {
        var upload = new PeftUpload().AddOfBase("model.embed_tokens.weight", "base_model.model.model.embed_tokens.weight", isChanged: true);

        (await RefusalAsync(upload, 422)).ShouldContain("it was changed, but it is not in modules_to_save");
    }

    [Theory]
    [InlineData("adapter_model.safetensors")]
    [InlineData("adapter_config.json")]
    [InlineData("tokenizer_config.json")]
    [InlineData("chat_template.jinja")]
    public async Task Put_GitLfsPointer_IsNamedAsOne(string file)
    {
        var message = await RefusalAsync(new PeftUpload().Put(file, Encoding.UTF8.GetBytes(Pointer)), 400);

        message.ShouldStartWith($"{file}: a git-lfs pointer");
        message.ShouldContain("git lfs pull");
    }

    [Fact]
    public async Task Put_NamesWithAForeignPrefix_AreShownFirst()
    {
        var upload = new PeftUpload().Rename(name =>
            name.Replace("base_model.model.", "base_model.model.language_model.", StringComparison.Ordinal));

        var message = await RefusalAsync(upload, 422);

        message.ShouldStartWith("adapter_model.safetensors: unexpected 'base_model.model.language_model.model.layers.0.");
        message.ShouldContain("no module of loraserve-demo begins with 'language_model.'");
    }

    [Fact]
    public async Task Put_OutputFolderOfATrainer_IsTheAdapterAtItsRoot()
    {
        var upload = new PeftUpload();
        foreach (var checkpoint in new[] { "checkpoint-9", "checkpoint-100" })
        {
            foreach (var file in new[] { "adapter_config.json", "adapter_model.safetensors" })
                upload.Put($"{checkpoint}/{file}", await File.ReadAllBytesAsync(Repository.Golden("demo", "adapters", "sentiment", file)));
            upload.Put($"{checkpoint}/optimizer.pt", [1, 2, 3]);
        }

        await ShouldBeSqlAsync(upload.Put("training_args.bin", [1]));
    }

    [Fact]
    public async Task Put_FoldersThatAreNoCheckpoints_AreSeveralAdapters()
    {
        var config = await File.ReadAllBytesAsync(Repository.Golden("demo", "adapters", "sentiment", "adapter_config.json"));

        (await RefusalAsync(new PeftUpload().Put("checkpoint-best/adapter_config.json", config), 400)).ShouldContain("holds 2 adapters");
    }

    private async Task ShouldBeSqlAsync(PeftUpload upload)
    {
        using var response = await server.Client.PutAsync("/v1/adapters/variant?measure_effect=false", new ByteArrayContent(upload.Zip()));
        var adapter = await response.Content.ReadFromJsonAsync<JsonElement>();
        response.StatusCode.ShouldBe(HttpStatusCode.Created, adapter.ToString());
        try
        {
            adapter.GetProperty("version").GetString().ShouldBe(server.Engine.Adapters.Find("sql")!.Version.Value);
            var answer = await server.CompleteAsync(new { model = "variant", prompt = Question, temperature = 0, max_tokens = 32 });
            answer.GetProperty("choices")[0].GetProperty("text").GetString()!.Trim().ShouldBe("SELECT name FROM products WHERE price < 59;");
        }
        finally
        {
            await server.Client.DeleteAsync("/v1/adapters/variant");
        }
    }

    private async Task<string> RefusalAsync(PeftUpload upload, int status)
    {
        using var response = await server.Client.PutAsync("/v1/adapters/variant", new ByteArrayContent(upload.Zip()));
        return (await LoraServeServer.ErrorAsync(response, status)).GetProperty("message").GetString()!;
    }
}
