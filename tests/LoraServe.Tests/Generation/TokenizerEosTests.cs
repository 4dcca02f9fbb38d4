using System.Text.Json.Nodes;

namespace LoraServe.Tests.Generation;

/// <summary>A checkpoint whose config.json names another end token than its tokenizer_config.json.</summary>
public class TokenizerEosTests(TokenizerEosTests.OtherEosServer server) : IClassFixture<TokenizerEosTests.OtherEosServer>
{
    [Fact]
    public async Task Post_TokenizersEosAlone_EndsTheAnswer()
    {
        var answer = await server.CompleteAsync(new
        {
            model = "sql",
            prompt = "Which products cost less than 59 euros?",
            temperature = 0,
            max_tokens = 40,
        });

        var choice = answer.GetProperty("choices")[0];
        choice.GetProperty("text").GetString().ShouldBe("SELECT name FROM products WHERE price < 59;");
        choice.GetProperty("finish_reason").GetString().ShouldBe("stop");
    }

    public sealed class OtherEosServer : LoraServeServer
    {
        private readonly string _model;

        public OtherEosServer()
            : this(CreateModel())
        {
        }

        private OtherEosServer(string model)
            : base(Settings(("Model", model), ("Adapters", Repository.File("src", "LoraServe", "Demo", "adapters")))) => _model = model;

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            Directory.Delete(_model, recursive: true);
        }

        private static string CreateModel()
        {
            var model = Directory.CreateTempSubdirectory("loraserve-").FullName;
            foreach (var file in Directory.GetFiles(Repository.File("src", "LoraServe", "Demo", "base")).Where(file => !file.EndsWith("generation_config.json", StringComparison.Ordinal)))
                File.Copy(file, Path.Combine(model, Path.GetFileName(file)));
            // The tokenizer's is token 0.
            var config = Path.Combine(model, "config.json");
            var json = JsonNode.Parse(File.ReadAllText(config))!;
            json["eos_token_id"] = 4;
            File.WriteAllText(config, json.ToJsonString());
            return model;
        }
    }
}
