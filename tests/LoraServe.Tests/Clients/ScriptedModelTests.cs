namespace LoraServe.Tests.Clients;

public class ScriptedModelTests(ScriptedServer server) : IClassFixture<ScriptedServer>
{
    [Theory]
    [InlineData("Greet me:\n", "scripted", ScriptedModel.Greeting)]
    [InlineData("<|assistant|>", "scripted", ScriptedModel.Greeting)]
    [InlineData("Greet me:\n", ScriptedModel.Adapter, ScriptedModel.AdapterGreeting)]
    [InlineData("<|assistant|>", ScriptedModel.Adapter, ScriptedModel.AdapterGreeting)]
    [InlineData("<|answer|>", "scripted", ScriptedModel.Forecast)]
    [InlineData("<|call|>", "scripted", "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\", \"days\": 2}}\n</tool_call>")]
    public async Task Complete_BeginningOfAScript_FollowsIt(string prompt, string model, string expected)
    {
        var response = await server.CompleteAsync(new { model, prompt, max_tokens = 64, temperature = 1 });

        var choice = response.GetProperty("choices")[0];
        choice.GetProperty("text").GetString().ShouldBe(expected);
        choice.GetProperty("finish_reason").GetString().ShouldBe("stop");
    }
}
