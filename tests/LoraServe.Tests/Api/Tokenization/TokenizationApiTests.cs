using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LoraServe.Tests.Api.Tokenization;

[Collection(nameof(DemoServer))]
public class TokenizationApiTests(DemoServer server)
{
    private const string Question = "Which products cost less than 59 euros?";

    [Theory]
    [InlineData("")]
    [InlineData("loraserve-demo")]
    [InlineData("sql")]
    [InlineData("sentiment:0.5,sql:0.5")]
    public async Task Tokenize_Prompt_GivesTheTokensOfACompletion(string model)
    {
        var completion = await server.CompleteAsync(new { prompt = Question, max_tokens = 0, return_token_ids = true });

        var answer = await AnswerAsync("/tokenize", new { model, prompt = Question });

        Ints(answer.GetProperty("tokens")).ShouldBe(Ints(completion.GetProperty("choices")[0].GetProperty("prompt_token_ids")));
        answer.GetProperty("count").GetInt32().ShouldBe(completion.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
        answer.GetProperty("max_model_len").GetInt32().ShouldBe(1024);
        answer.TryGetProperty("token_strs", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Tokenize_ReturnTokenStrs_SpellsThemAsTheVocabulary()
    {
        var answer = await AnswerAsync("/tokenize", new { prompt = Question, return_token_strs = true, add_special_tokens = false });

        var spelled = answer.GetProperty("token_strs").EnumerateArray().Select(token => token.GetString()!).ToList();
        spelled.Count.ShouldBe(answer.GetProperty("count").GetInt32());
        string.Concat(spelled).Replace('Ġ', ' ').ShouldBe(Question);
    }

    [Theory]
    [InlineData("""{"messages": [{"role": "user", "content": "Hello"}]}""", "<|user|>Hello<|end|><|assistant|>")]
    [InlineData("""{"messages": [{"role": "user", "content": "Hello"}], "model": "sql"}""", "<|user|>Hello<|end|><|assistant|>")]
    [InlineData("""{"messages": [{"role": "user", "content": "Hello"}], "add_generation_prompt": false}""", "<|user|>Hello<|end|>")]
    [InlineData("""{"messages": [{"role": "assistant", "content": "Hel"}], "continue_final_message": true}""", "<|assistant|>Hel")]
    [InlineData("""{"messages": [{"role": "user", "content": "Hello"}], "chat_template": "{{ messages[0].content }}{{ x }}", "chat_template_kwargs": {"x": 1}}""", "Hello1")]
    public async Task Tokenize_Messages_GivesTheTokensOfTheTemplatesText(string body, string text)
    {
        var expected = await AnswerAsync("/tokenize", new { prompt = text });

        var answer = await AnswerAsync("/tokenize", JsonSerializer.Deserialize<JsonElement>(body));

        answer.ToString().ShouldBe(expected.ToString());
    }

    [Fact]
    public async Task Tokenize_Messages_GivesTheTokensOfAChatCompletion()
    {
        object[] messages = [new { role = "system", content = "Be brief." }, new { role = "user", content = Question }];
        using var response = await server.Client.PostAsJsonAsync(
            "/v1/chat/completions", new { messages, max_tokens = 1, return_token_ids = true, model = "sql" });
        var chat = await response.Content.ReadFromJsonAsync<JsonElement>();

        var answer = await AnswerAsync("/tokenize", new { messages, model = "sql" });

        Ints(answer.GetProperty("tokens")).ShouldBe(Ints(chat.GetProperty("prompt_token_ids")));
    }

    [Theory]
    [InlineData(Question)]
    [InlineData("")]
    [InlineData("Ünïcödé 猫 🦊 \r\n\t end")]
    public async Task Detokenize_TokensOfAText_IsTheText(string text)
    {
        var tokens = Ints((await AnswerAsync("/tokenize", new { prompt = text, add_special_tokens = false })).GetProperty("tokens"));

        (await AnswerAsync("/detokenize", new { tokens })).GetProperty("prompt").GetString().ShouldBe(text);
    }

    [Theory]
    [InlineData(400, "/tokenize", "{}", "prompt")]
    [InlineData(400, "/tokenize", """{"prompt": 1}""", "prompt")]
    [InlineData(400, "/tokenize", """{"prompt": "a", "return_token_strs": "yes"}""", "return_token_strs")]
    [InlineData(404, "/tokenize", """{"prompt": "a", "model": "nobody"}""", "model")]
    [InlineData(400, "/tokenize", """{"prompt": "a", "messages": [{"role": "user", "content": "a"}]}""", "prompt")]
    [InlineData(400, "/tokenize", """{"messages": []}""", "messages")]
    [InlineData(400, "/tokenize", """{"messages": [{"role": "nobody", "content": "a"}]}""", "messages[0].role")]
    [InlineData(400, "/tokenize", """{"messages": [{"role": "user", "content": "\ud800"}]}""", "messages[0].content")]
    [InlineData(400, "/tokenize", """{"messages": [{"role": "user", "content": "a"}], "chat_template_kwargs": {"x": "\ud800"}}""", "chat_template_kwargs.x")]
    [InlineData(400, "/tokenize", """{"messages": [{"role": "user", "content": "a"}], "chat_template_kwargs": {"tools": []}}""", "chat_template_kwargs.tools")]
    [InlineData(400, "/tokenize", """{"prompt": "a", "chat_template": "b"}""", "chat_template")]
    [InlineData(400, "/tokenize", """{"prompt": "a", "continue_final_message": true}""", "continue_final_message")]
    [InlineData(400, "/tokenize", """{"messages": [{"role": "user", "content": "a"}], "documents": [{"text": "b"}]}""", "documents")]
    [InlineData(400, "/tokenize", """{"messages": [{"role": "user", "content": "a"}], "chat_template": "{{"}""", "chat_template")]
    [InlineData(400, "/detokenize", "{}", "tokens")]
    [InlineData(400, "/detokenize", """{"tokens": [3072]}""", "tokens")]
    [InlineData(400, "/detokenize", """{"tokens": [-1]}""", "tokens")]
    [InlineData(400, "/detokenize", """{"tokens": ["a"]}""", "tokens")]
    [InlineData(404, "/detokenize", """{"tokens": [1], "model": "nobody"}""", "model")]
    public async Task Post_BadInput_NamesTheField(int status, string path, string body, string param)
    {
        using var response = await server.PostAsync(path, body);

        (await LoraServeServer.ErrorAsync(response, status)).GetProperty("param").GetString().ShouldBe(param);
    }

    [Theory]
    [InlineData("prompt", """{"prompt": "TEXT"}""")]
    [InlineData("messages", """{"messages": [{"role": "user", "content": "TEXT"}]}""")]
    public async Task Tokenize_MegabytesOfText_AreRefused(string param, string body)
    {
        using var response = await server.PostAsync("/tokenize", body.Replace("TEXT", new string('a', 3_000_000)));

        var error = await LoraServeServer.ErrorAsync(response, 400);
        error.GetProperty("param").GetString().ShouldBe(param);
        error.GetProperty("code").GetString().ShouldBe("context_length_exceeded");
    }

    [Theory]
    [InlineData("/tokenize", """{"prompt": "a", "special": 1, "tools": []}""", "special")]
    [InlineData("/tokenize", """{"prompt": "a", "lora_path": "sql"}""", "lora_path")]
    [InlineData("/detokenize", """{"tokens": [72], "special": 1}""", "special")]
    public async Task Post_UnknownField_IsNamed(string path, string body, string field)
    {
        using var response = await server.PostAsync(path, body);

        (await LoraServeServer.ErrorAsync(response, 400)).GetProperty("param").GetString().ShouldBe(field);
    }

    [Theory]
    [InlineData("/tokenize", """{"content": "a", "temperature": 0, "max_tokens": 3, "tools": [], "special": null}""")]
    [InlineData("/detokenize", """{"tokens": [72], "skip_special_tokens": false}""")]
    public async Task Post_FieldsOfOtherServers_AreTaken(string path, string body)
    {
        using var response = await server.PostAsync(path, body);

        response.EnsureSuccessStatusCode();
    }

    /// <summary>A tokenizer that begins every text with a special token.</summary>
    public class SpecialTokensTests(SpecialTokensTests.MarkedServer server) : IClassFixture<SpecialTokensTests.MarkedServer>
    {
        [Fact]
        public async Task Tokenize_AddSpecialTokens_IsTheDefaultAndCanBeLeftOut()
        {
            var plain = await TokensAsync("""{"prompt": "abc", "add_special_tokens": false}""");

            (await TokensAsync("""{"prompt": "abc"}""")).ShouldBe([1, .. plain]);
            (await TokensAsync("""{"prompt": "abc", "add_special_tokens": null}""")).ShouldBe([1, .. plain]);
            using var response = await server.Client.PostAsJsonAsync("/detokenize", new { tokens = (int[])[1, .. plain] });
            (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("prompt").GetString().ShouldBe("<s>abc");
        }

        private async Task<int[]> TokensAsync(string body)
        {
            using var response = await server.PostAsync("/tokenize", body);
            return Ints((await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("tokens"));
        }

        public sealed class MarkedServer : LoraServeServer
        {
            private readonly DirectoryInfo _model;

            public MarkedServer()
                : this(Directory.CreateTempSubdirectory("loraserve-marked-"))
            {
            }

            private MarkedServer(DirectoryInfo model)
                : base(Settings(("Model", Mark(model)))) => _model = model;

            public override async ValueTask DisposeAsync()
            {
                await base.DisposeAsync();
                _model.Delete(recursive: true);
            }

            private static string Mark(DirectoryInfo model)
            {
                foreach (var file in Directory.EnumerateFiles(Repository.EngineGolden("checkpoints", "llama-gqa")))
                    File.Copy(file, Path.Combine(model.FullName, Path.GetFileName(file)));
                var path = Path.Combine(model.FullName, "tokenizer.json");
                var tokenizer = JsonNode.Parse(File.ReadAllText(path))!;
                tokenizer["post_processor"] = JsonNode.Parse("""
                    {
                        "type": "TemplateProcessing",
                        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                        "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}
                    }
                    """);
                File.WriteAllText(path, tokenizer.ToJsonString());
                return model.FullName;
            }
        }
    }

    private static int[] Ints(JsonElement list) => [.. list.EnumerateArray().Select(item => item.GetInt32())];

    private async Task<JsonElement> AnswerAsync(string path, object request)
    {
        using var response = await server.Client.PostAsJsonAsync(path, request);
        var json = await response.Content.ReadFromJsonAsync<JsonElement>();
        response.IsSuccessStatusCode.ShouldBeTrue(json.ToString());
        return json;
    }
}
