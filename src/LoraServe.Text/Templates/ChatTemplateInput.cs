using System.Text.Json;

namespace LoraServe.Text.Templates;

/// <summary>What a template is rendered with, as transformers' apply_chat_template gives it.</summary>
public sealed record ChatTemplateInput
{
    /// <summary>The conversation: a list of objects with role and content, and whatever else the template knows of.</summary>
    public required JsonElement Messages { get; init; }

    /// <summary>Functions that the model may call; null is none.</summary>
    public JsonElement? Tools { get; init; }

    /// <summary>Documents to answer from; null is none.</summary>
    public JsonElement? Documents { get; init; }

    /// <summary>Whether the text ends with the beginning of the assistant's next message.</summary>
    public bool AddGenerationPrompt { get; init; }

    /// <summary>
    /// Further variables by name, such as enable_thinking. They win over special tokens. Those called messages, tools, documents and
    /// add_generation_prompt are not used, as the four above are what the template sees: callers that take them from a client refuse them.
    /// </summary>
    public IReadOnlyDictionary<string, JsonElement> Variables { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>What strftime_now tells: this time, in its own offset.</summary>
    public required DateTimeOffset Now { get; init; }
}
