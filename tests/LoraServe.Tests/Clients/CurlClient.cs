using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LoraServe.Tests.Clients;

/// <summary>The cases of curl, which shows the API as it is.</summary>
internal sealed class CurlClient(string baseUrl)
{
    public IReadOnlyDictionary<string, Func<Task<object>>> Cases => new Dictionary<string, Func<Task<object>>>(
        [.. CasesOf("completion"), .. CasesOf("chat"), new("chat_tools", ToolsAsync), new("chat_tools_stream", ToolsStreamAsync),
            new("chat_tools_result", ToolsResultAsync), new("models", ModelsAsync)]);

    private Dictionary<string, Func<Task<object>>> CasesOf(string kind)
    {
        var path = kind == "chat" ? "chat/completions" : "completions";
        var request = kind == "chat" ? Chat("Greet me") : Json("prompt", ClientScript.GreetMe);
        var endless = kind == "chat" ? Chat(ClientScript.Forever) : Json("prompt", ClientScript.Endless);
        endless["max_tokens"] = ClientScript.ManyTokens;
        endless["stream"] = true;
        return new()
        {
            [kind] = () => AskAsync(path, request),
            [$"{kind}_stream"] = () => StreamAsync(path, request),
            [$"{kind}_stream_usage"] = () => StreamAsync(path, With(request, "stream_options", Json("include_usage", true))),
            [$"{kind}_stop"] = () => AskAsync(path, With(request, "stop", " there")),
            [$"{kind}_logprobs"] = () => LogprobsAsync(kind, path, request),
            [$"{kind}_adapter_by_model"] = () => AskAsync(path, With(request, "model", ScriptedModel.Adapter)),
            [$"{kind}_adapter_by_query"] = () => AskAsync($"{path}?adapter={ScriptedModel.Adapter}", request),
            [$"{kind}_adapter_by_body"] = () => AskAsync(path, With(request, "adapter", ScriptedModel.Adapter)),
            [$"{kind}_adapter_conflict"] = () => AskAsync($"{path}?adapter=other", With(request, "adapter", ScriptedModel.Adapter)),
            [$"{kind}_adapter_unknown"] = () => AskAsync(path, With(request, "model", "nobody")),
            [$"{kind}_context_too_long"] = () => AskAsync(path, With(request, "max_tokens", ClientScript.BeyondContext)),
            [$"{kind}_bad_request"] = () => AskAsync(path, With(request, "max_tokens", -1)),
            [$"{kind}_cancel"] = () => CancelAsync(path, endless),
            [$"{kind}_retry_429"] = () => ClientScript.WithFullQueueAsync(baseUrl, answered => RetryAsync(path, request, answered)),
        };
    }

    private async Task<object> AskAsync(string path, JsonObject request)
    {
        var lines = await CurlAsync("-w", "\n%{http_code}", $"{baseUrl}/{path}", "-d", request.ToJsonString());
        return Answer(JsonSerializer.Deserialize<JsonElement>(lines[0]), int.Parse(lines[^1], CultureInfo.InvariantCulture));
    }

    private static object Answer(JsonElement answer, int status)
    {
        if (status >= 400)
        {
            var error = answer.GetProperty("error");
            return new
            {
                @class = "HTTP",
                message = error.GetProperty("message").GetString(),
                status,
                code = error.GetProperty("code").GetString(),
                param = error.GetProperty("param").GetString(),
            };
        }

        var choice = answer.GetProperty("choices")[0];
        var text = choice.TryGetProperty("text", out var completion) ? completion : choice.GetProperty("message").GetProperty("content");
        return new { text, finish_reason = choice.GetProperty("finish_reason"), model = answer.GetProperty("model") };
    }

    private async Task<object> StreamAsync(string path, JsonObject request)
    {
        var events = await EventsAsync(path, request);
        var choices = events.SelectMany(chunk => chunk.GetProperty("choices").EnumerateArray()).ToList();
        var texts = choices.Select(TextOf).Where(text => text != "").ToList();
        return new
        {
            text = string.Concat(texts),
            parts = texts.Count,
            finish_reason = choices[^1].GetProperty("finish_reason"),
            usage = events[^1].TryGetProperty("usage", out var usage) ? usage : default(JsonElement?),
        };

        static string TextOf(JsonElement choice) => choice.TryGetProperty("text", out var text) ? text.GetString()!
            : choice.GetProperty("delta").TryGetProperty("content", out var content) ? content.GetString() ?? ""
            : "";
    }

    private async Task<object> LogprobsAsync(string kind, string path, JsonObject request)
    {
        var asked = kind == "chat" ? With(With(request, "logprobs", true), "top_logprobs", 2) : With(request, "logprobs", 2);
        var lines = await CurlAsync($"{baseUrl}/{path}", "-d", asked.ToJsonString());
        var logprobs = JsonSerializer.Deserialize<JsonElement>(lines[0]).GetProperty("choices")[0].GetProperty("logprobs");
        if (kind != "chat") return new { tokens = logprobs.GetProperty("tokens"), logprobs = logprobs.GetProperty("token_logprobs") };
        var content = logprobs.GetProperty("content").EnumerateArray().ToList();
        return new { tokens = content.Select(token => token.GetProperty("token")), logprobs = content.Select(token => token.GetProperty("logprob")) };
    }

    private async Task<object> ToolsAsync()
    {
        var choice = await ChoiceAsync(WithTools(Chat("Greet me")));
        var message = choice.GetProperty("message");
        var call = message.GetProperty("tool_calls")[0];
        return ToolCall(
            call.GetProperty("function").GetProperty("name").GetString()!,
            call.GetProperty("function").GetProperty("arguments").GetString()!,
            call.GetProperty("id").GetString()!,
            choice,
            message.GetProperty("content"));
    }

    private async Task<object> ToolsStreamAsync()
    {
        var events = await EventsAsync("chat/completions", WithTools(Chat("Greet me")));
        var choices = events.SelectMany(chunk => chunk.GetProperty("choices").EnumerateArray()).ToList();
        var calls = choices.Select(choice => choice.GetProperty("delta"))
            .Where(delta => delta.TryGetProperty("tool_calls", out var calls) && calls.ValueKind == JsonValueKind.Array)
            .SelectMany(delta => delta.GetProperty("tool_calls").EnumerateArray()).ToList();
        var functions = calls.ConvertAll(call => call.GetProperty("function"));
        var arguments = functions.ConvertAll(function => function.TryGetProperty("arguments", out var delta) ? delta.GetString()! : "");
        var content = choices.FindAll(choice => choice.GetProperty("delta").TryGetProperty("content", out var text)
            && text.ValueKind == JsonValueKind.String && text.GetString() != "");
        var result = JsonSerializer.SerializeToNode(ToolCall(
            functions[0].GetProperty("name").GetString()!,
            string.Concat(arguments),
            calls[0].GetProperty("id").GetString()!,
            choices[^1],
            content.Count == 0 ? null : content[0]))!;
        result["parts"] = arguments.Count(delta => delta != "");
        return result;
    }

    private async Task<object> ToolsResultAsync()
    {
        var request = WithTools(Chat("Greet me"));
        var message = (await ChoiceAsync(request)).GetProperty("message");
        var messages = request["messages"]!.AsArray();
        messages.Add(JsonNode.Parse(message.GetRawText()));
        messages.Add(new JsonObject
        {
            ["role"] = "tool",
            ["tool_call_id"] = message.GetProperty("tool_calls")[0].GetProperty("id").GetString(),
            ["content"] = ClientScript.ToolResult,
        });
        return await AskAsync("chat/completions", request);
    }

    // A person who presses Ctrl+C: the process ends.
    private async Task<object> CancelAsync(string path, JsonObject request)
    {
        using var process = Start("-sN", $"{baseUrl}/{path}", "-d", request.ToJsonString());
        var parts = 0;
        while (parts < 3 && await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal)) parts++;
        }

        process.Kill();
        await process.WaitForExitAsync();
        return new { parts, load = await ClientScript.IdleAsync(baseUrl) };
    }

    private async Task<object> RetryAsync(string path, JsonObject request, Func<int, Task> answered)
    {
        using var process = Start("-sv", "--retry", "5", $"{baseUrl}/{path}", "-d", request.ToJsonString());
        var output = process.StandardOutput.ReadToEndAsync();
        var status = 0;
        while (await process.StandardError.ReadLineAsync() is { } line)
        {
            if (!line.StartsWith("< HTTP/1.1 ", StringComparison.Ordinal)) continue;
            status = int.Parse(line.Split(' ')[2], CultureInfo.InvariantCulture);
            await answered(status);
        }

        // The body of the refusal stands before that of the answer.
        var answer = (await output)[(await output).LastIndexOf("{\"id\"", StringComparison.Ordinal)..];
        return Answer(JsonSerializer.Deserialize<JsonElement>(answer), status);
    }

    private async Task<object> ModelsAsync()
    {
        var list = JsonSerializer.Deserialize<JsonElement>((await CurlAsync($"{baseUrl}/models"))[0]);
        var one = JsonSerializer.Deserialize<JsonElement>((await CurlAsync($"{baseUrl}/models/{ScriptedModel.Adapter}"))[0]);
        return new { ids = list.GetProperty("data").EnumerateArray().Select(model => model.GetProperty("id")), one = one.GetProperty("id") };
    }

    private async Task<JsonElement> ChoiceAsync(JsonObject request)
    {
        var lines = await CurlAsync($"{baseUrl}/chat/completions", "-d", request.ToJsonString());
        return JsonSerializer.Deserialize<JsonElement>(lines[0]).GetProperty("choices")[0];
    }

    private async Task<List<JsonElement>> EventsAsync(string path, JsonObject request)
    {
        var lines = await CurlAsync("-N", $"{baseUrl}/{path}", "-d", With(request, "stream", true).ToJsonString());
        lines[^1].ShouldBe("data: [DONE]");
        return [.. lines[..^1].Select(line => JsonSerializer.Deserialize<JsonElement>(line["data: ".Length..]))];
    }

    private static async Task<string[]> CurlAsync(params string[] arguments) =>
        (await ClientProcess.RunAsync("curl", Path.GetTempPath(), ["-s", .. arguments])).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static Process Start(params string[] arguments) => ClientProcess.Start("curl", Path.GetTempPath(), arguments);

    private static object ToolCall(string name, string arguments, string id, JsonElement choice, JsonElement? content) => new
    {
        tool = name,
        arguments = JsonSerializer.Deserialize<JsonElement>(arguments),
        has_id = id.Length > 0,
        finish_reason = choice.GetProperty("finish_reason"),
        content,
    };

    private static JsonObject Json(string name, JsonNode value) => new() { [name] = value };

    private static JsonObject Chat(string content) => new()
    {
        ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = content }),
    };

    private static JsonObject With(JsonObject request, string name, JsonNode value)
    {
        var copy = request.DeepClone().AsObject();
        copy[name] = value;
        return copy;
    }

    private static JsonObject WithTools(JsonObject request) => With(request, "tools", new JsonArray(new JsonObject
    {
        ["type"] = "function",
        ["function"] = new JsonObject
        {
            ["name"] = ClientScript.ToolName,
            ["description"] = ClientScript.ToolDescription,
            ["parameters"] = JsonNode.Parse(ClientScript.ToolParameters),
        },
    }));
}
