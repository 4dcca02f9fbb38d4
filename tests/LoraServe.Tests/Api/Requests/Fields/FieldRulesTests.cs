using System.Text.Json;
using LoraServe.Api.Chat;
using LoraServe.Api.Completions;
using LoraServe.Api.Requests;
using LoraServe.Engine.Sampling;

namespace LoraServe.Tests.Api.Requests.Fields;

public class FieldRulesTests
{
    [Theory]
    [InlineData("max_new_tokens", "7")]
    [InlineData("max_completion_tokens", "7")]
    [InlineData("n_predict", "7.0")]
    [InlineData("num_predict", "7e0")]
    public void Read_OtherNameOfMaxTokens_IsTaken(string name, string value) => Read($"\"{name}\": {value}").MaxTokens.ShouldBe(7);

    [Fact]
    public void Read_OtherNames_MeanTheSame()
    {
        var request = Read("""
            "lora_path": "sql", "stop_sequences": ["x"], "repeat_penalty": 1.2, "min_new_tokens": 1, "return_full_text": true,
            "no_stop_trim": true, "ignore_eos_token": true, "random_seed": 3, "truncate": 9
            """);

        (request.Adapter, request.RepetitionPenalty, request.MinTokens, request.Echo).ShouldBe(("sql", 1.2f, 1, true));
        (request.IncludeStopStrInOutput, request.IgnoreEos, request.Seed, request.TruncatePromptTokens).ShouldBe((true, true, 3L, 9));
        request.Stop!.Items.ShouldBe(["x"]);
    }

    [Fact]
    public void Read_BothSpellingsWithOneValue_AreTaken() => Read("\"max_tokens\": 5, \"max_new_tokens\": 5.0").MaxTokens.ShouldBe(5);

    [Theory]
    [InlineData("\"max_tokens\": 5, \"max_new_tokens\": 6", "max_new_tokens: means the same as max_tokens, which says 5, found 6")]
    [InlineData("\"stop_sequences\": \"a\", \"stop\": \"b\"", "stop: means the same as stop_sequences, which says \"a\", found \"b\"")]
    [InlineData("\"adapter\": \"sql\", \"lora_path\": \"extract\"", "lora_path: means the same as adapter, which says \"sql\", found \"extract\"")]
    [InlineData("\"lora_path\": [\"sql\"]", "lora_path: expected a text")]
    [InlineData("\"max_new_tokens\": -1", "max_new_tokens: expected a whole number from 0")]
    [InlineData("\"regex\": \"(yes|no)\"", "regex: is not supported by this server, found \"(yes|no)\": this server cannot force")]
    [InlineData("\"ebnf\": \"root ::= 1\"", "ebnf: is not supported by this server")]
    [InlineData("\"use_beam_search\": true", "use_beam_search: is not supported by this server, found true")]
    [InlineData("\"merged_adapters\": {\"ids\": []}", "merged_adapters: is not supported by this server")]
    [InlineData("\"temprature\": 0", "temprature: is not a field of this request, found 0; did you mean temperature?")]
    [InlineData("\"maxTokens\": 3", "maxTokens: is not a field of this request, found 3; did you mean max_tokens?")]
    [InlineData("\"lora_pth\": \"sql\"", "lora_pth: is not a field of this request, found \"sql\"; did you mean lora_path?")]
    [InlineData("\"repitision_penelty\": 1", "repitision_penelty: is not a field of this request, found 1; did you mean repetition_penalty?")]
    [InlineData("\"nonsense\": 1", "nonsense: is not a field of this request, found 1")]
    [InlineData("\"stream\": true, \"stream_options\": {\"include_usag\": true}", "stream_options.include_usag: is not a field of this request, found true; did you mean stream_options.include_usage?")]
    public void Read_FieldThatCannotBeKept_IsNamed(string fields, string message)
    {
        var e = Should.Throw<InvalidRequestException>(() => Read(fields));

        e.Faults.Count.ShouldBe(1);
        e.Message.ShouldStartWith(message);
    }

    [Fact]
    public void Read_ValuesThatAskForNothing_AreTaken() => Read("""
        "regex": null, "guided_json": null, "best_of": 1, "use_beam_search": false, "length_penalty": 1.0, "typical_p": 1, "nonsense": null,
        "lora": [], "merged_adapters": null, "response_format": {"type": "text"}, "mirostat": 0, "user": "a", "metadata": {"b": "c"},
        "service_tier": "auto", "priority": 3, "stream": true, "stream_options": {"include_usage": null, "include_obfuscation": false}
        """).Stream.ShouldBeTrue();

    [Theory]
    [InlineData("\"reasoning_effort\": \"none\", \"verbosity\": \"medium\", \"modalities\": [\"text\"]")]
    [InlineData("\"top_logprobs\": 0, \"logprobs\": false, \"max_tokens\": 24.0")]
    public void ReadChat_ValuesThatAskForNothing_AreTaken(string fields) => ReadChat(fields).ShouldNotBeNull();

    [Theory]
    [InlineData("24.0", 24)]
    [InlineData("2.4e1", 24)]
    [InlineData("24.000000", 24)]
    public void Read_WholeNumberWithAPoint_IsOne(string number, int expected) => Read($"\"max_tokens\": {number}").MaxTokens.ShouldBe(expected);

    [Theory]
    [InlineData("24.5")]
    [InlineData("1e99")]
    [InlineData("1e999999999")]
    [InlineData("24.00000000000000000000000000000000000000")]
    [InlineData("3000000000.0")]
    public void Read_NumberThatIsNotWhole_IsNamed(string number) =>
        Should.Throw<InvalidRequestException>(() => Read($"\"max_tokens\": {number}")).Message.ShouldStartWith("max_tokens: expected a whole number");

    [Fact]
    public void Check_LongNames_AreCut()
    {
        var e = Should.Throw<InvalidRequestException>(() => Read($"\"{new string('x', 1_000_000)}\": \"{new string('y', 1_000_000)}\""));

        e.Message.Length.ShouldBeLessThan(2000);
    }

    private static CompletionRequest Read(string fields) => CompletionRequestReader.Read(
        JsonSerializer.Deserialize<JsonElement>($$"""{"prompt": "a", {{fields}}}"""), new SamplingParams());

    private static ChatRequest ReadChat(string fields) => ChatRequestReader.Read(
        JsonSerializer.Deserialize<JsonElement>($$"""{"messages": [{"role": "user", "content": "a"}], {{fields}}}"""), new SamplingParams());
}
