using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Nodes;
using LoraServe.Generation;

namespace LoraServe.Api.Chat;

/// <summary>What every chat request has in common: how it becomes a prompt, and how its answer is returned.</summary>
public abstract record ChatParameters : GenerationParameters
{
    /// <summary>Most tokens to generate for each choice, calls of tools included. Absent: as many as the context has room for.</summary>
    /// <example>64</example>
    [Range(0, int.MaxValue)]
    public int? MaxCompletionTokens { get; init; }

    /// <summary>The older name of max_completion_tokens.</summary>
    /// <example>64</example>
    [Range(0, int.MaxValue)]
    public int? MaxTokens { get; init; }

    /// <summary>Reports the log-probability of each token of the answer.</summary>
    /// <example>true</example>
    [DefaultValue(false)]
    public bool Logprobs { get; init; }

    /// <summary>Reports this many most probable tokens at each position too; only with logprobs.</summary>
    /// <example>2</example>
    [Range(0, 20)]
    public int? TopLogprobs { get; init; }

    /// <summary>Functions that the model may call. The chat template shows them to the model, and calls are parsed out of its answer.</summary>
    public ChatTools? Tools { get; init; }

    /// <summary>auto, or none, which hides the tools from the model. This server cannot force a call: required and a name are an error.</summary>
    /// <example>auto</example>
    public string? ToolChoice { get; init; }

    /// <summary>False keeps only the first call of an answer.</summary>
    /// <example>true</example>
    [DefaultValue(true)]
    public bool ParallelToolCalls { get; init; } = true;

    /// <summary>A Jinja template in place of the model's own. It runs in a sandbox: it sees the conversation and nothing else.</summary>
    /// <example>{% for message in messages %}{{ message.content }}{% endfor %}</example>
    public string? ChatTemplate { get; init; }

    /// <summary>More variables for the template.</summary>
    /// <example>{"enable_thinking": false}</example>
    public JsonObject? ChatTemplateKwargs { get; init; }

    /// <summary>Documents for templates that show some to the model.</summary>
    /// <example>[{"title": "Terms", "text": "Goods can be returned within 14 days."}]</example>
    public JsonArray? Documents { get; init; }

    /// <summary>Ends the prompt with the beginning of the assistant's answer. Absent: true, but not with continue_final_message.</summary>
    /// <example>true</example>
    public bool? AddGenerationPrompt { get; init; }

    /// <summary>Goes on with the last message as if the model had begun it itself, rather than answering it.</summary>
    /// <example>false</example>
    [DefaultValue(false)]
    public bool ContinueFinalMessage { get; init; }

    /// <summary>Returns the last message, which must be the assistant's, before its continuation.</summary>
    /// <example>false</example>
    [DefaultValue(false)]
    public bool Echo { get; init; }

    /// <summary>Adds to the prompt what the tokenizer adds on its own. Templates write the special tokens that they need.</summary>
    /// <example>false</example>
    public bool? AddSpecialTokens { get; init; }

    /// <summary>Notes of the client about the request; the server does nothing with them.</summary>
    /// <example>{"purpose": "test"}</example>
    public JsonObject? Metadata { get; init; }

    /// <summary>Whether to keep the answer for later: this server keeps none, whatever is asked for.</summary>
    /// <example>false</example>
    public bool? Store { get; init; }

    /// <summary>The messages; null where there are none.</summary>
    internal abstract ChatMessages? Conversation { get; }

    internal virtual bool AddsSpecialTokens => AddSpecialTokens ?? false;

    internal bool AddsGenerationPrompt => AddGenerationPrompt ?? !ContinueFinalMessage;

    /// <summary>Whether the answer is searched for calls.</summary>
    internal bool ExpectsToolCalls => Tools is { Names.Count: > 0 } && ToolChoice != "none";

    /// <summary>The text echoed before the answer.</summary>
    internal string Echoed => Echo ? FinalMessage.Text(Conversation!.Json) : "";

    internal override int? MostTokens => MaxCompletionTokens ?? MaxTokens;

    internal override int? Alternatives => Logprobs ? TopLogprobs ?? 0 : null;
}
