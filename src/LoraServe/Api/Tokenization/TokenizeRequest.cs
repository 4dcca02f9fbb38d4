using System.ComponentModel;
using System.Text.Json.Nodes;
using LoraServe.Api.Chat;
using LoraServe.Generation;

namespace LoraServe.Api.Tokenization;

/// <summary>A text or a conversation whose tokens are asked for.</summary>
public sealed record TokenizeRequest
{
    /// <summary>The base model or an adapter, whose chat template a conversation gets; absent: the base model.</summary>
    /// <example>summarize</example>
    public string? Model { get; set; }

    /// <summary>The text. Either this or messages.</summary>
    /// <example>Which products cost less than 59 euros?</example>
    public string? Prompt { get; set; }

    /// <summary>The conversation, as for chat completions; all fields below but the next two belong to it.</summary>
    /// <example>[{"role": "user", "content": "Which products cost less than 59 euros?"}]</example>
    public ChatMessages? Messages { get; set; }

    /// <summary>
    /// Whether to add the special tokens that the model expects around a text. Absent: yes around a prompt; templates write their own.
    /// </summary>
    /// <example>true</example>
    public bool? AddSpecialTokens { get; set; }

    /// <summary>Whether to return the tokens also as the vocabulary spells them.</summary>
    /// <example>true</example>
    [DefaultValue(false)]
    public bool ReturnTokenStrs { get; set; }

    /// <summary>Ends the prompt with the beginning of the assistant's answer. Absent: true, but not with continue_final_message.</summary>
    /// <example>true</example>
    public bool? AddGenerationPrompt { get; set; }

    /// <summary>Leaves the last message open, to be gone on with.</summary>
    /// <example>false</example>
    [DefaultValue(false)]
    public bool ContinueFinalMessage { get; set; }

    /// <summary>A Jinja template in place of the model's own.</summary>
    /// <example>{% for message in messages %}{{ message.content }}{% endfor %}</example>
    public string? ChatTemplate { get; set; }

    /// <summary>More variables for the template.</summary>
    /// <example>{"enable_thinking": false}</example>
    public JsonObject? ChatTemplateKwargs { get; set; }

    /// <summary>Functions that the template shows to the model.</summary>
    public ChatTools? Tools { get; set; }

    /// <summary>The conversation as a request for an answer has it.</summary>
    /// <exception cref="Api.Requests.InvalidRequestException">With every fault.</exception>
    internal ChatRequest ToChat(LoraServe.Engine.Sampling.SamplingParams defaults)
    {
        var request = GenerationParameters.WithDefaults<ChatRequest>(defaults) with
        {
            Messages = Messages,
            AddGenerationPrompt = AddGenerationPrompt,
            ContinueFinalMessage = ContinueFinalMessage,
            ChatTemplate = ChatTemplate,
            ChatTemplateKwargs = ChatTemplateKwargs,
            Tools = Tools,
        };
        ChatRequestReader.Check(request);
        return request;
    }
}
