using System.Text.Json;
using System.Text.Json.Nodes;

namespace LoraServe.Tests.Generation;

/// <summary>Where the tokens of an echoed prompt lie, with a tokenizer that adds a token of its own before the text.</summary>
public class ChoiceStreamTests(ChoiceStreamTests.PrefixServer server) : IClassFixture<ChoiceStreamTests.PrefixServer>
{
    private const string Prefix = "<s>";

    [Theory]
    [InlineData("abc", true)]
    [InlineData("abc", false)]
    [InlineData("abc</s>def", true)]
    [InlineData("abc</s>def", false)]
    public async Task Echo_TextWithAddedAndSpecialTokens_LocatesTokensInTheTextAsSent(string prompt, bool skipSpecialTokens)
    {
        var (text, tokens, offsets) = await EchoAsync(new
        {
            prompt,
            max_tokens = 0,
            echo = true,
            logprobs = 0,
            skip_special_tokens = skipSpecialTokens,
        });

        text.ShouldBe(prompt);
        tokens[0].ShouldBe(Prefix);
        string.Concat(tokens[1..]).ShouldBe(prompt);
        offsets.ShouldBe([0, .. tokens[1..].Select((_, i) => string.Concat(tokens[1..(i + 1)]).Length)]);
    }

    [Theory]
    [InlineData(true, new[] { 0, 0 })]
    [InlineData(false, new[] { 0, 3 })]
    public async Task Echo_SpecialTokenAsId_HasItsPlaceWhereItIsShown(bool skipSpecialTokens, int[] expected)
    {
        var (_, _, offsets) = await EchoAsync(new
        {
            prompt = new[] { 1, 71 },
            max_tokens = 0,
            echo = true,
            logprobs = 0,
            skip_special_tokens = skipSpecialTokens,
        });

        offsets.ShouldBe(expected);
    }

    [Theory]
    [InlineData("<s>", true, "")]
    [InlineData("<s><s>", true, "")]
    [InlineData("<s>", false, "")]
    public async Task Stop_TextOfASpecialToken_EndsThoughTheTokenIsHidden(string stop, bool skipSpecialTokens, string expected)
    {
        var answer = await server.CompleteAsync(new
        {
            prompt = "abc",
            max_tokens = 8,
            ignore_eos = true,
            logit_bias = new Dictionary<string, int> { ["1"] = 100 },
            skip_special_tokens = skipSpecialTokens,
            stop = new[] { stop },
        });

        var choice = answer.GetProperty("choices")[0];
        choice.GetProperty("text").GetString().ShouldBe(expected);
        choice.GetProperty("finish_reason").GetString().ShouldBe("stop");
        choice.GetProperty("stop_reason").GetString().ShouldBe(stop);
        answer.GetProperty("usage").GetProperty("completion_tokens").GetInt32().ShouldBe(stop.Length / 3);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Logprobs_WithoutEcho_HaveOffsetsBehindThePrompt(bool asIds)
    {
        object prompt = asIds ? new[] { 1, 71, 72, 73 } : "häß";
        var (text, _, echoed) = await EchoAsync(new { prompt, max_tokens = 4, temperature = 0, logprobs = 0, echo = true });
        var (_, tokens, offsets) = await EchoAsync(new { prompt, max_tokens = 4, temperature = 0, logprobs = 0 });

        offsets.ShouldBe(echoed[^tokens.Length..]);
        offsets[0].ShouldBeGreaterThan(0);
        text.Length.ShouldBeGreaterThan(offsets[0]);
    }

    private async Task<(string Text, string[] Tokens, int[] Offsets)> EchoAsync(object request)
    {
        var choice = (await server.CompleteAsync(request)).GetProperty("choices")[0];
        var logprobs = choice.GetProperty("logprobs");
        return (
            choice.GetProperty("text").GetString()!,
            logprobs.GetProperty("tokens").Deserialize<string[]>()!,
            logprobs.GetProperty("text_offset").Deserialize<int[]>()!);
    }

    /// <summary>A golden checkpoint whose tokenizer puts <see cref="Prefix"/> before every text.</summary>
    public sealed class PrefixServer : LoraServeServer
    {
        private readonly string _model;

        public PrefixServer()
            : this(CreateModel())
        {
        }

        private PrefixServer(string model)
            : base(Settings(("Model", model))) => _model = model;

        public override async ValueTask DisposeAsync()
        {
            await base.DisposeAsync();
            Directory.Delete(_model, recursive: true);
        }

        private static string CreateModel()
        {
            var model = Directory.CreateTempSubdirectory("loraserve-").FullName;
            foreach (var file in Directory.GetFiles(Repository.EngineGolden("checkpoints", "llama-gqa")))
                File.Copy(file, Path.Combine(model, Path.GetFileName(file)));
            var path = Path.Combine(model, "tokenizer.json");
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
            return model;
        }
    }
}
