using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json;
using OpenAI;
using OpenAI.Chat;

namespace LoraServe.Tests.Clients;

/// <summary>The cases of OpenAI's own library for .NET.</summary>
internal sealed class OpenAIDotNetClient(string baseUrl)
{
    private static readonly ChatTool Weather =
        ChatTool.CreateFunctionTool(ClientScript.ToolName, ClientScript.ToolDescription, BinaryData.FromString(ClientScript.ToolParameters));

    private static readonly ChatMessage[] GreetMe = [new UserChatMessage("Greet me")];

    public IReadOnlyDictionary<string, Func<Task<object>>> Cases => new Dictionary<string, Func<Task<object>>>
    {
        ["chat"] = () => ConverseAsync(),
        ["chat_stream"] = StreamAsync,
        ["chat_stream_usage"] = StreamAsync,
        ["chat_stop"] = () => ConverseAsync(options: new() { StopSequences = { " there" } }),
        ["chat_logprobs"] = LogprobsAsync,
        ["chat_tools"] = ToolsAsync,
        ["chat_tools_stream"] = ToolsStreamAsync,
        ["chat_tools_result"] = ToolsResultAsync,
        ["chat_adapter_by_model"] = () => ConverseAsync(Client(ScriptedModel.Adapter)),
        ["chat_adapter_by_query"] = () => ConverseAsync(Client(query: ScriptedModel.Adapter)),
        ["chat_adapter_by_body"] = () => ConverseAsync(options: InBody(ScriptedModel.Adapter)),
        ["chat_adapter_conflict"] = () => ErrorAsync(ConverseAsync(Client(query: "other"), InBody(ScriptedModel.Adapter))),
        ["chat_adapter_unknown"] = () => ErrorAsync(ConverseAsync(Client("nobody"))),
        ["chat_context_too_long"] = () => ErrorAsync(ConverseAsync(options: new() { MaxOutputTokenCount = ClientScript.BeyondContext })),
        ["chat_bad_request"] = () => ErrorAsync(ConverseAsync(options: new() { MaxOutputTokenCount = -1 })),
        ["chat_cancel"] = CancelAsync,
        ["chat_retry_429"] = () =>
            ClientScript.WithFullQueueAsync(baseUrl, answered => ConverseAsync(Client(policy: new AnswerPolicy(answered)))),
        ["models"] = ModelsAsync,
    };

    /// <summary>A client of one model.</summary>
    /// <param name="baseUrl">The server's, with /v1.</param>
    /// <param name="model">The base or an adapter.</param>
    /// <param name="query">An adapter to name in the query.</param>
    /// <param name="policy">Sees every try of a request.</param>
    public static ChatClient Connect(string baseUrl, string model = "scripted", string? query = null, PipelinePolicy? policy = null)
    {
        var options = Options(baseUrl);
        if (query is not null) options.AddPolicy(new QueryPolicy("adapter", query), PipelinePosition.PerCall);
        if (policy is not null) options.AddPolicy(policy, PipelinePosition.PerTry);
        return new OpenAIClient(new ApiKeyCredential("unused"), options).GetChatClient(model);
    }

    /// <summary>Names an adapter in the body, where the library has no property for it.</summary>
    public static ChatCompletionOptions InBody(string adapter)
    {
        var options = new ChatCompletionOptions();
        options.Patch.Set("$.adapter"u8, adapter);
        return options;
    }

    /// <summary>What a person and a program see of the error that a call must end with.</summary>
    public static async Task<object> ErrorAsync(Task<object> call)
    {
        try
        {
            return new { unexpected = $"no error: {JsonSerializer.Serialize(await call)}" };
        }
        catch (ClientResultException e)
        {
            var error = e.GetRawResponse()!.Content.ToObjectFromJson<JsonElement>().GetProperty("error");
            return new
            {
                @class = e.GetType().Name,
                message = e.Message,
                status = e.Status,
                code = error.GetProperty("code").GetString(),
                param = error.GetProperty("param").GetString(),
            };
        }
    }

    private ChatClient Client(string model = "scripted", string? query = null, PipelinePolicy? policy = null) =>
        Connect(baseUrl, model, query, policy);

    private async Task<object> ConverseAsync(ChatClient? client = null, ChatCompletionOptions? options = null, ChatMessage[]? messages = null)
    {
        ChatCompletion completion = await (client ?? Client()).CompleteChatAsync(messages ?? GreetMe, options);
        return new { text = completion.Content[0].Text, finish_reason = Name(completion.FinishReason), model = completion.Model };
    }

    private async Task<object> StreamAsync()
    {
        var (text, parts, reason, usage) = ("", 0, (ChatFinishReason?)null, (ChatTokenUsage?)null);
        await foreach (var update in Client().CompleteChatStreamingAsync(GreetMe))
        {
            var delta = string.Concat(update.ContentUpdate.Select(part => part.Text));
            text += delta;
            if (delta != "") parts++;
            reason ??= update.FinishReason;
            usage ??= update.Usage;
        }

        return new
        {
            text,
            parts,
            finish_reason = Name(reason!.Value),
            usage = new { prompt_tokens = usage!.InputTokenCount, completion_tokens = usage.OutputTokenCount },
        };
    }

    private async Task<object> LogprobsAsync()
    {
        ChatCompletion completion =
            await Client().CompleteChatAsync(GreetMe, new() { IncludeLogProbabilities = true, TopLogProbabilityCount = 2 });
        var tokens = completion.ContentTokenLogProbabilities;
        return new { tokens = tokens.Select(token => token.Token), logprobs = tokens.Select(token => token.LogProbability) };
    }

    private async Task<object> ToolsAsync()
    {
        ChatCompletion completion = await Client().CompleteChatAsync(GreetMe, new() { Tools = { Weather } });
        var call = completion.ToolCalls[0];
        var content = completion.Content.Count == 0 ? null : completion.Content[0].Text;
        return ToolCall(call.FunctionName, call.FunctionArguments.ToString(), call.Id, completion.FinishReason, content);
    }

    private async Task<object> ToolsStreamAsync()
    {
        var (name, id, arguments, parts, reason, content) = ("", "", "", 0, (ChatFinishReason?)null, (string?)null);
        await foreach (var update in Client().CompleteChatStreamingAsync(GreetMe, new() { Tools = { Weather } }))
        {
            foreach (var call in update.ToolCallUpdates)
            {
                name += call.FunctionName;
                id += call.ToolCallId;
                var delta = call.FunctionArgumentsUpdate?.ToString() ?? "";
                arguments += delta;
                if (delta != "") parts++;
            }

            foreach (var part in update.ContentUpdate.Where(part => part.Text != "")) content += part.Text;
            reason ??= update.FinishReason;
        }

        var result = JsonSerializer.SerializeToNode(ToolCall(name, arguments, id, reason!.Value, content))!;
        result["parts"] = parts;
        return result;
    }

    private async Task<object> ToolsResultAsync()
    {
        var options = new ChatCompletionOptions { Tools = { Weather } };
        ChatCompletion asked = await Client().CompleteChatAsync(GreetMe, options);
        return await ConverseAsync(options: options, messages:
        [
            .. GreetMe, new AssistantChatMessage(asked), new ToolChatMessage(asked.ToolCalls[0].Id, ClientScript.ToolResult),
        ]);
    }

    private async Task<object> CancelAsync()
    {
        using var patience = new CancellationTokenSource();
        var parts = 0;
        var error = "";
        try
        {
            var updates = Client().CompleteChatStreamingAsync(
                [new UserChatMessage(ClientScript.Forever)], new() { MaxOutputTokenCount = ClientScript.ManyTokens }, patience.Token);
            await foreach (var _ in updates)
            {
                if (++parts == 3) await patience.CancelAsync();
            }
        }
        catch (OperationCanceledException e)
        {
            error = e.GetType().Name;
        }

        return new { parts, error, load = await ClientScript.IdleAsync(baseUrl) };
    }

    private async Task<object> ModelsAsync()
    {
        var client = new OpenAIClient(new ApiKeyCredential("unused"), Options(baseUrl)).GetOpenAIModelClient();
        var ids = (await client.GetModelsAsync()).Value.Select(model => model.Id);
        return new { ids, one = (await client.GetModelAsync(ScriptedModel.Adapter)).Value.Id };
    }

    private static OpenAIClientOptions Options(string baseUrl) => new() { Endpoint = new Uri(baseUrl) };

    private static object ToolCall(string name, string arguments, string id, ChatFinishReason reason, string? content) => new
    {
        tool = name,
        arguments = JsonSerializer.Deserialize<JsonElement>(arguments),
        has_id = id.Length > 0,
        finish_reason = Name(reason),
        content,
    };

    private static string Name(ChatFinishReason reason) => JsonNamingPolicy.SnakeCaseLower.ConvertName(reason.ToString());
}
