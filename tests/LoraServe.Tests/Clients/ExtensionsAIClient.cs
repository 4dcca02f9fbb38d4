using System.ClientModel.Primitives;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LoraServe.Tests.Clients;

/// <summary>The cases of .NET's own abstraction of chat clients.</summary>
internal sealed class ExtensionsAIClient(string baseUrl)
{
    private static readonly AIFunction Weather = AIFunctionFactory.Create(
        (string city, int days) => ClientScript.ToolResult, ClientScript.ToolName, ClientScript.ToolDescription);

    private static readonly ChatMessage GreetMe = new(ChatRole.User, "Greet me");

    public IReadOnlyDictionary<string, Func<Task<object>>> Cases => new Dictionary<string, Func<Task<object>>>
    {
        ["chat"] = () => ConverseAsync(),
        ["chat_stream"] = StreamAsync,
        ["chat_stream_usage"] = StreamAsync,
        ["chat_stop"] = () => ConverseAsync(options: new() { StopSequences = [" there"] }),
        ["chat_tools"] = ToolsAsync,
        ["chat_tools_stream"] = ToolsStreamAsync,
        ["chat_tools_result"] = ToolsResultAsync,
        ["chat_adapter_by_model"] = () => ConverseAsync(options: new() { ModelId = ScriptedModel.Adapter }),
        ["chat_adapter_by_query"] = () => ConverseAsync(Client(query: ScriptedModel.Adapter)),
        ["chat_adapter_by_body"] = () => ConverseAsync(options: InBody),
        ["chat_adapter_conflict"] = () => OpenAIDotNetClient.ErrorAsync(ConverseAsync(Client(query: "other"), InBody)),
        ["chat_adapter_unknown"] = () => OpenAIDotNetClient.ErrorAsync(ConverseAsync(options: new() { ModelId = "nobody" })),
        ["chat_context_too_long"] = () =>
            OpenAIDotNetClient.ErrorAsync(ConverseAsync(options: new() { MaxOutputTokens = ClientScript.BeyondContext })),
        ["chat_bad_request"] = () => OpenAIDotNetClient.ErrorAsync(ConverseAsync(options: new() { MaxOutputTokens = -1 })),
        ["chat_cancel"] = CancelAsync,
        ["chat_retry_429"] = () =>
            ClientScript.WithFullQueueAsync(baseUrl, answered => ConverseAsync(Client(policy: new AnswerPolicy(answered)))),
    };

    private static ChatOptions InBody => new() { RawRepresentationFactory = _ => OpenAIDotNetClient.InBody(ScriptedModel.Adapter) };

    private IChatClient Client(string? query = null, PipelinePolicy? policy = null) =>
        OpenAIDotNetClient.Connect(baseUrl, query: query, policy: policy).AsIChatClient();

    private async Task<object> ConverseAsync(IChatClient? client = null, ChatOptions? options = null)
    {
        var response = await (client ?? Client()).GetResponseAsync(GreetMe, options);
        return Answer(response);
    }

    private async Task<object> StreamAsync()
    {
        var updates = await Client().GetStreamingResponseAsync(GreetMe).ToListAsync();
        var response = updates.ToChatResponse();
        return new
        {
            text = response.Text,
            parts = updates.Count(update => update.Text != ""),
            finish_reason = response.FinishReason!.Value.Value,
            usage = new { prompt_tokens = response.Usage!.InputTokenCount, completion_tokens = response.Usage.OutputTokenCount },
        };
    }

    private async Task<object> ToolsAsync() => ToolCall(await Client().GetResponseAsync(GreetMe, new() { Tools = [Weather] }));

    // The library gathers a call before it shows it.
    private async Task<object> ToolsStreamAsync() =>
        ToolCall((await Client().GetStreamingResponseAsync(GreetMe, new() { Tools = [Weather] }).ToListAsync()).ToChatResponse());

    private async Task<object> ToolsResultAsync()
    {
        var options = new ChatOptions { Tools = [Weather] };
        var asked = await Client().GetResponseAsync(GreetMe, options);
        var call = asked.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().First();
        var result = await Weather.InvokeAsync(new AIFunctionArguments(call.Arguments));
        return Answer(await Client().GetResponseAsync(
            [GreetMe, .. asked.Messages, new ChatMessage(ChatRole.Tool, [new FunctionResultContent(call.CallId, result)])], options));
    }

    private async Task<object> CancelAsync()
    {
        using var patience = new CancellationTokenSource();
        var parts = 0;
        var error = "";
        try
        {
            var updates = Client().GetStreamingResponseAsync(
                ClientScript.Forever, new() { MaxOutputTokens = ClientScript.ManyTokens }, patience.Token);
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

    private static object Answer(ChatResponse response) =>
        new { text = response.Text, finish_reason = response.FinishReason!.Value.Value, model = response.ModelId };

    private static object ToolCall(ChatResponse response)
    {
        var call = response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().First();
        return new
        {
            tool = call.Name,
            arguments = JsonSerializer.SerializeToElement(call.Arguments),
            has_id = call.CallId.Length > 0,
            finish_reason = response.FinishReason!.Value.Value,
            content = response.Text == "" ? null : response.Text,
        };
    }
}
