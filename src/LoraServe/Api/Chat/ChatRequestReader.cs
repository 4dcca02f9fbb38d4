using System.Text.Json;
using LoraServe.Api.Requests;
using LoraServe.Api.Requests.Fields;
using LoraServe.Engine.Sampling;
using LoraServe.Generation;
using LoraServe.Text.Faults;

namespace LoraServe.Api.Chat;

/// <summary>Reads and checks the body of a chat request, as far as possible without the model.</summary>
internal static class ChatRequestReader
{
    // Variables that the server itself passes to templates.
    private static readonly string[] TemplateVariables = ["messages", "tools", "documents", "add_generation_prompt", "chat_template"];

    /// <param name="json">The body, a JSON object.</param>
    /// <param name="defaults">The model's recommended values for absent fields.</param>
    /// <exception cref="InvalidRequestException">With every fault.</exception>
    public static ChatRequest Read(JsonElement json, SamplingParams defaults)
    {
        var faults = new RequestFaults();
        var request = GenerationParameters.WithDefaults<ChatRequest>(defaults);
        Read(json, request, FieldTable.Chat, faults);
        if (request.Messages is null && !faults.Exists(fault => fault.Param == "messages"))
            faults.Add(new RequestFault("messages", "is required"));
        faults.ThrowIfAny();
        return request;
    }

    /// <summary>Checks the conversation of a request of another type.</summary>
    /// <exception cref="InvalidRequestException">With every fault.</exception>
    public static void Check(ChatRequest request)
    {
        var faults = new RequestFaults();
        new ChatMessageReader(faults).Check(request.Messages!.Json);
        CheckParameters(request, faults);
        request.Tools?.Check(faults);
        faults.ThrowIfAny();
    }

    /// <summary>Fills a request from a body.</summary>
    /// <param name="json">The body, a JSON object.</param>
    /// <param name="request">Holds the defaults.</param>
    /// <param name="rules">What other fields mean.</param>
    /// <param name="faults">Receives every fault.</param>
    public static void Read<T>(JsonElement json, T request, FieldRules rules, RequestFaults faults)
        where T : ChatParameters
    {
        GenerationParametersReader.Read(json, request, rules, faults);
        if (request.Conversation is { } messages) new ChatMessageReader(faults).Check(messages.Json);
        CheckParameters(request, faults);
        CheckToolChoice(json, faults);
        request.Tools?.Check(faults);
    }

    private static void CheckParameters(ChatParameters request, RequestFaults faults)
    {
        void Fault(string param, string message) => faults.Add(new RequestFault(param, message));

        if (request is { MaxTokens: { } older, MaxCompletionTokens: { } newer } && older != newer)
            Fault("max_tokens", $"is the older name of max_completion_tokens, which says {newer}, found {older}");
        if (request.TopLogprobs > 0 && !request.Logprobs) Fault("top_logprobs", "is only allowed with logprobs = true");
        if (request is { ContinueFinalMessage: true, AddGenerationPrompt: true })
            Fault("continue_final_message", "is not possible together with add_generation_prompt = true");
        foreach (var name in TemplateVariables.Where(name => request.ChatTemplateKwargs?.ContainsKey(name) == true))
            Fault($"chat_template_kwargs.{name}", $"is not possible: the server gives {name} to the template itself, from the field of the request");
        if (request.Echo && !LastIsAssistants(request)) Fault("echo", "is only allowed where the last message is the assistant's");
    }

    private static void CheckToolChoice(JsonElement json, RequestFaults faults)
    {
        if (!json.TryGetProperty("tool_choice", out var choice) || choice.ValueKind == JsonValueKind.Null) return;
        if (choice.ValueKind == JsonValueKind.String && (choice.ValueEquals("auto") || choice.ValueEquals("none"))) return;
        faults.RemoveAll(fault => fault.Param == "tool_choice");
        var isForced = choice.ValueKind == JsonValueKind.Object
            || (choice.ValueKind == JsonValueKind.String && choice.ValueEquals("required"));
        var message = $"expected auto or none, found {FaultText.Show(choice)}";
        faults.Add(isForced
            ? new RequestFault("tool_choice", $"{message}: this server cannot force a model to call a tool", "unsupported_parameter")
            : new RequestFault("tool_choice", message));
    }

    private static bool LastIsAssistants(ChatParameters request) =>
        request.Conversation?.Json.EnumerateArray().Last() is { ValueKind: JsonValueKind.Object } last
        && last.TryGetProperty("role", out var role) && role.ValueKind == JsonValueKind.String && role.ValueEquals("assistant");
}
