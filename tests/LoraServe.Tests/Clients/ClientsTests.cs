using System.Text.Json;

namespace LoraServe.Tests.Clients;

/// <summary>The libraries that people use, unchanged, against the running server.</summary>
public class ClientsTests(ClientResults results) : IClassFixture<ClientResults>
{
    public static TheoryData<string, string> Cases { get; } = [.. ClientCases.Every];

    public static TheoryData<string> Clients { get; } = [.. ClientCases.Clients];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Run(string client, string name)
    {
        var result = await results.OfAsync(client, name);

        TestContext.Current.TestOutputHelper!.WriteLine(result.ToString());
        Check(client, name[(name.IndexOf('_') + 1)..], result);
        // What a stop string or a client ended early, the engine ends soon after.
        await LoraServeServer.EventuallyAsync(() => results.Server.Engine.Status is { Running: 0, Waiting: 0, KvBlocksUsed: 0 });
    }

    [Theory]
    [MemberData(nameof(Clients))]
    public async Task Names_OfAClient_AreThoseThatAreListed(string client) =>
        (await results.NamesAsync(client)).ShouldBe(
            ClientCases.Every.Where(item => item.Client == client).Select(item => item.Name), ignoreOrder: true);

    private static void Check(string client, string outcome, JsonElement result)
    {
        switch (outcome)
        {
            case "completion" or "chat":
                ShouldSay(result, ScriptedModel.Greeting);
                break;
            case "stream":
                ShouldSay(result, ScriptedModel.Greeting);
                result.GetProperty("parts").GetInt32().ShouldBe(3);
                break;
            case "stream_usage":
                ShouldSay(result, ScriptedModel.Greeting);
                // The end token counts.
                result.GetProperty("usage").GetProperty("completion_tokens").GetInt32().ShouldBe(4);
                result.GetProperty("usage").GetProperty("prompt_tokens").GetInt32().ShouldBeGreaterThan(8);
                break;
            case "stop":
                ShouldSay(result, "Hello");
                break;
            case "logprobs":
                string.Concat(Strings(result.GetProperty("tokens"))).ShouldStartWith(ScriptedModel.Greeting);
                result.GetProperty("logprobs").EnumerateArray().ShouldAllBe(logprob => logprob.GetDouble() <= 0 && logprob.GetDouble() > -0.01);
                break;
            case "tools" or "tools_stream":
                result.GetProperty("tool").GetString().ShouldBe("get_weather");
                result.GetProperty("arguments").GetProperty("city").GetString().ShouldBe("Paris");
                result.GetProperty("arguments").GetProperty("days").GetInt32().ShouldBe(2);
                result.GetProperty("has_id").GetBoolean().ShouldBeTrue();
                result.GetProperty("finish_reason").GetString()!.Replace('-', '_').ShouldBe("tool_calls");
                result.GetProperty("content").ValueKind.ShouldBe(JsonValueKind.Null);
                // The server sends a call when it has read all of it.
                if (result.TryGetProperty("parts", out var parts)) parts.GetInt32().ShouldBeGreaterThan(0);
                break;
            case "tools_result":
                ShouldSay(result, ScriptedModel.Forecast);
                break;
            case "adapter_by_model" or "adapter_by_query" or "adapter_by_body":
                ShouldSay(result, ScriptedModel.AdapterGreeting);
                break;
            case "adapter_conflict":
                ShouldFail(client, result, 400, "adapter_conflict", "the request names different adapters");
                break;
            case "adapter_unknown":
                ShouldFail(client, result, 404, "model_not_found", "The model `nobody` does not exist or you do not have access to it.");
                break;
            case "context_too_long":
                ShouldFail(client, result, 400, "context_length_exceeded", "maximum context length is 65536 tokens");
                break;
            case "bad_request":
                ShouldFail(client, result, 400, "invalid_value", "expected a");
                break;
            case "cancel":
                result.GetProperty("parts").GetInt32().ShouldBeGreaterThanOrEqualTo(3);
                result.GetProperty("parts").GetInt32().ShouldBeLessThan(5000);
                result.GetProperty("load").GetInt32().ShouldBe(0);
                break;
            case "retry_429":
                ShouldSay(result, ScriptedModel.Greeting);
                var statuses = result.GetProperty("statuses").EnumerateArray().Select(status => status.GetInt32()).ToList();
                statuses[0].ShouldBe(429);
                statuses[^1].ShouldBe(200);
                break;
            case "models":
                Strings(result.GetProperty("ids")).ShouldBe(["scripted", ScriptedModel.Adapter]);
                result.GetProperty("one").GetString().ShouldBe(ScriptedModel.Adapter);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "A case that nobody checks.");
        }
    }

    private static void ShouldSay(JsonElement result, string text)
    {
        result.GetProperty("text").GetString().ShouldBe(text);
        // LangChain's text streams have nothing but text.
        if (result.TryGetProperty("finish_reason", out var reason)) reason.GetString()!.ToLowerInvariant().ShouldBe("stop");
    }

    // What a person sees of the error, and what a program can ask it.
    private static void ShouldFail(string client, JsonElement result, int status, string code, string message)
    {
        result.GetProperty("message").GetString()!.ShouldContain(message);
        var (expectedClass, hasStatus) = Class(client, status, code);
        result.GetProperty("class").GetString().ShouldBe(expectedClass);
        if (!hasStatus) return;
        result.GetProperty("status").GetInt32().ShouldBe(status);
        result.GetProperty("code").GetString().ShouldBe(code);
    }

    private static (string Name, bool HasStatus) Class(string client, int status, string code) => client switch
    {
        ClientCases.DotNet or ClientCases.ExtensionsAI => ("ClientResultException", true),
        // It tells a prompt that is too long apart by its code, and keeps nothing else of the error.
        ClientCases.LangChain when code == "context_length_exceeded" => ("ContextOverflowError", false),
        ClientCases.AiSdk => ("APICallError", true),
        ClientCases.Curl => ("HTTP", true),
        _ => (status == 404 ? "NotFoundError" : "BadRequestError", true),
    };

    private static IEnumerable<string> Strings(JsonElement list) => list.EnumerateArray().Select(item => item.GetString()!);
}
