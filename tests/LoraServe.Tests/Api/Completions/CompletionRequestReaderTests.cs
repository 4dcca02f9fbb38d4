using System.Text.Json;
using LoraServe.Api.Completions;
using LoraServe.Api.Requests;
using LoraServe.Engine.Sampling;
using LoraServe.Generation;

namespace LoraServe.Tests.Api.Completions;

public class CompletionRequestReaderTests
{
    [Fact]
    public void Read_OnlyAPrompt_HasTheDefaultsOfTheApi()
    {
        var request = Read("""{"prompt": "a"}""");

        request.Prompt!.Items.ShouldBe([new PromptInput("a", null)]);
        request.MaxTokens.ShouldBe(16);
        request.Temperature.ShouldBe(1);
        request.N.ShouldBe(1);
        request.SkipSpecialTokens.ShouldBeTrue();
        request.AddSpecialTokens.ShouldBeTrue();
        request.Stream.ShouldBeFalse();
    }

    [Fact]
    public void Read_NullFields_AreAbsent()
    {
        var request = Read(
            """
            {"prompt": "a", "max_tokens": null, "stop": null, "logprobs": null, "logit_bias": null, "stream": null, "stream_options": null,
             "suffix": null, "best_of": null}
            """);

        request.ShouldBe(Read("""{"prompt": "a"}""") with { Prompt = request.Prompt });
    }

    [Fact]
    public void Read_PromptOfEveryKind_IsUnderstood()
    {
        Read("""{"prompt": ["a", "b"]}""").Prompt!.Items.Select(item => item.Text).ShouldBe(["a", "b"]);
        Read("""{"prompt": [1, 2, 3]}""").Prompt!.Items.ShouldHaveSingleItem().TokenIds.ShouldBe([1, 2, 3]);
        var lists = Read("""{"prompt": [[1, 2], [3]]}""").Prompt!.Items;
        lists.Count.ShouldBe(2);
        lists[1].TokenIds.ShouldBe([3]);
    }

    [Fact]
    public void Read_StopAsTextOrList_IsUnderstood()
    {
        Read("""{"prompt": "a", "stop": "x"}""").Stop!.Items.ShouldBe(["x"]);
        Read("""{"prompt": "a", "stop": ["x", "y"]}""").Stop!.Items.ShouldBe(["x", "y"]);
        Read("""{"prompt": "a", "stop": []}""").Stop!.Items.ShouldBeEmpty();
    }

    [Fact]
    public void Read_ManyStops_AreTakenUpToABound()
    {
        Read(Stops(64)).Stop!.Items.Count.ShouldBe(64);
        Should.Throw<InvalidRequestException>(() => Read(Stops(65))).Message.ShouldStartWith("stop: expected a text or a list of at most 64");

        static string Stops(int count) => $$"""{"prompt": "a", "stop": [{{string.Join(',', Enumerable.Repeat("\"x\"", count))}}]}""";
    }

    [Fact]
    public void Read_SeveralFaults_AreAllNamed()
    {
        var e = Should.Throw<InvalidRequestException>(() => Read(
            """{"prompt": [], "max_tokens": -1, "temperature": "hot", "n": 500, "suffix": "x"}"""));

        e.Faults.Select(fault => fault.Param).ShouldBe(["prompt", "max_tokens", "temperature", "n", "suffix"], ignoreOrder: true);
        e.Message.ShouldContain("max_tokens: expected a whole number from 0 to 2147483647, found -1");
        e.Message.ShouldContain("temperature: expected a number from 0 to 2, found \"hot\"");
    }

    [Theory]
    [InlineData("stop: expected a text or a list of at most 64 texts", """{"prompt": "a", "stop": ["\ud800"]}""")]
    [InlineData("stream_options.include_usage: expected true or false, found 1", """{"prompt": "a", "stream": true, "stream_options": {"include_usage": 1}}""")]
    public void Read_ValueOfATypeOfItsOwn_SaysWhatIsExpected(string message, string json) =>
        Should.Throw<InvalidRequestException>(() => Read(json)).Message.ShouldStartWith(message);

    [Fact]
    public void Read_MorePromptsThanAnyServerTakes_IsAFaultOfThePrompt()
    {
        var prompts = string.Join(',', Enumerable.Repeat("[1]", Prompts.MaxCount + 1));

        var e = Should.Throw<InvalidRequestException>(() => Read($$"""{"prompt": [{{prompts}}]}"""));

        e.Message.ShouldStartWith("prompt: expected at most 65536 prompts");
    }

    [Theory]
    [InlineData("prompt", """{}""")]
    [InlineData("prompt", """{"prompt": null}""")]
    [InlineData("prompt", """{"prompt": ""}""")]
    [InlineData("prompt", """{"prompt": [""]}""")]
    [InlineData("prompt", """{"prompt": [[]]}""")]
    [InlineData("prompt", """{"prompt": ["a", 1]}""")]
    [InlineData("prompt", """{"prompt": [1.5]}""")]
    [InlineData("prompt", """{"prompt": [1, [1]]}""")]
    [InlineData("prompt", """{"prompt": [[1], 1]}""")]
    [InlineData("prompt", """{"prompt": [[1], []]}""")]
    [InlineData("prompt", """{"prompt": [null]}""")]
    [InlineData("prompt", """{"prompt": [99999999999]}""")]
    [InlineData("prompt", """{"prompt": {"text": "a"}}""")]
    [InlineData("prompt", """{"prompt": "\ud800"}""")]
    [InlineData("prompt", """{"prompt": ["a\udc00"]}""")]
    [InlineData("model", """{"prompt": "a", "model": "\ud800"}""")]
    [InlineData("model", """{"prompt": "a", "model": 1}""")]
    [InlineData("stop", """{"prompt": "a", "stop": ""}""")]
    [InlineData("stop", """{"prompt": "a", "stop": ["a", null]}""")]
    [InlineData("stop", """{"prompt": "a", "stop": "\udfff"}""")]
    [InlineData("max_tokens", """{"prompt": "a", "max_tokens": 1.5}""")]
    [InlineData("max_tokens", """{"prompt": "a", "max_tokens": "16"}""")]
    [InlineData("max_tokens", """{"prompt": "a", "max_tokens": 2147483648}""")]
    [InlineData("temperature", """{"prompt": "a", "temperature": 2.1}""")]
    [InlineData("temperature", """{"prompt": "a", "temperature": 1e400}""")]
    [InlineData("top_p", """{"prompt": "a", "top_p": -0.1}""")]
    [InlineData("top_k", """{"prompt": "a", "top_k": -2}""")]
    [InlineData("min_p", """{"prompt": "a", "min_p": 1.1}""")]
    [InlineData("repetition_penalty", """{"prompt": "a", "repetition_penalty": 0}""")]
    [InlineData("repetition_penalty", """{"prompt": "a", "repetition_penalty": 1e-45}""")]
    [InlineData("presence_penalty", """{"prompt": "a", "presence_penalty": 3}""")]
    [InlineData("frequency_penalty", """{"prompt": "a", "frequency_penalty": -3}""")]
    [InlineData("seed", """{"prompt": "a", "seed": 9223372036854775808}""")]
    [InlineData("n", """{"prompt": "a", "n": 0}""")]
    [InlineData("best_of", """{"prompt": "a", "best_of": 3}""")]
    [InlineData("logprobs", """{"prompt": "a", "logprobs": 6}""")]
    [InlineData("logprobs", """{"prompt": "a", "logprobs": true}""")]
    [InlineData("logit_bias", """{"prompt": "a", "logit_bias": {"1": 101}}""")]
    [InlineData("logit_bias", """{"prompt": "a", "logit_bias": {"x": 1}}""")]
    [InlineData("logit_bias", """{"prompt": "a", "logit_bias": {"-1": 1}}""")]
    [InlineData("logit_bias", """{"prompt": "a", "logit_bias": [1]}""")]
    [InlineData("stream", """{"prompt": "a", "stream": "yes"}""")]
    [InlineData("stream_options", """{"prompt": "a", "stream_options": {"include_usage": true}}""")]
    [InlineData("stream_options", """{"prompt": "a", "stream": true, "stream_options": true}""")]
    [InlineData("min_tokens", """{"prompt": "a", "min_tokens": 17}""")]
    [InlineData("stop_token_ids", """{"prompt": "a", "stop_token_ids": 4}""")]
    [InlineData("truncate_prompt_tokens", """{"prompt": "a", "truncate_prompt_tokens": 0}""")]
    [InlineData("prompt_logprobs", """{"prompt": "a", "stream": true, "prompt_logprobs": 1}""")]
    public void Read_FieldThatIsWrong_IsNamed(string param, string json)
    {
        var e = Should.Throw<InvalidRequestException>(() => Read(json));

        e.Faults.ShouldHaveSingleItem().Param.ShouldBe(param);
        e.Message.ShouldStartWith($"{param}: ");
    }

    [Theory]
    [InlineData("""{"type": "json_object"}""", "response_format")]
    [InlineData("true", "use_beam_search")]
    [InlineData("[1]", "allowed_token_ids")]
    [InlineData("""["a"]""", "bad_words")]
    [InlineData("""{"regex": "a"}""", "structured_outputs")]
    [InlineData("\"a\"", "guided_regex")]
    [InlineData("\"a\"", "suffix")]
    [InlineData("true", "return_tokens_as_token_ids")]
    public void Read_FieldThatWouldChangeTheAnswerAndIsNotSupported_IsRefused(string value, string name)
    {
        var e = Should.Throw<InvalidRequestException>(() => Read($$"""{"prompt": "a", "{{name}}": {{value}}}"""));

        var fault = e.Faults.ShouldHaveSingleItem();
        fault.Param.ShouldBe(name);
        fault.Code.ShouldBe("unsupported_parameter");
    }

    [Fact]
    public void Read_NeutralValuesOfUnsupportedFields_AreAccepted() => Read(
        """
        {"prompt": "a", "suffix": "", "use_beam_search": false, "bad_words": [], "response_format": {"type": "text"}, "best_of": 1, "n": 2}
        """)
        .N.ShouldBe(2);

    [Fact]
    public void Read_WithRecommendedSampling_TakesItWhereTheBodySaysNothing()
    {
        var recommended = new SamplingParams { Temperature = 0.5f, MaxTokens = 64, TopP = 0.9f };

        var silent = Read("""{"prompt": "a"}""", recommended);
        var explicitly = Read("""{"prompt": "a", "temperature": 1, "max_tokens": 3}""", recommended);

        (silent.Temperature, silent.MaxTokens, silent.TopP).ShouldBe((0.5f, 64, 0.9f));
        (explicitly.Temperature, explicitly.MaxTokens, explicitly.TopP).ShouldBe((1f, 3, 0.9f));
    }

    [Fact]
    public void ToSampling_ChoicesOfASeed_HaveSeedsOfTheirOwn()
    {
        var request = Read(
            """{"prompt": "a", "seed": 9223372036854775807, "top_k": -1, "logprobs": 2, "echo": true, "prompt_logprobs": 1}""");

        request.ToSampling(0, 16).Seed.ShouldBe(long.MaxValue);
        request.ToSampling(1, 16).Seed.ShouldBe(long.MinValue);
        request.ToSampling(0, 16).TopK.ShouldBe(0);
        request.ToSampling(0, 16).PromptLogprobs.ShouldBe(2);
    }

    private static CompletionRequest Read(string json, SamplingParams? defaults = null)
    {
        using var document = JsonDocument.Parse(json);
        return CompletionRequestReader.Read(document.RootElement, defaults ?? new SamplingParams());
    }
}
