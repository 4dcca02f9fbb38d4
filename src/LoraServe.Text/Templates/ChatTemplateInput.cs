using System.Text.Json;

namespace LoraServe.Text.Templates;

/// <summary>The input of a template, as transformers' apply_chat_template passes it.</summary>
public sealed record ChatTemplateInput
{
    /// <summary>The conversation: a list of objects with role, content and any other fields that the template reads.</summary>
    public required JsonElement Messages { get; init; }

    /// <summary>Functions that the model may call; null for none.</summary>
    public JsonElement? Tools { get; init; }

    /// <summary>Documents to answer from; null for none.</summary>
    public JsonElement? Documents { get; init; }

    /// <summary>Whether the text ends with the beginning of the assistant's next message.</summary>
    public bool AddGenerationPrompt { get; init; }

    /// <summary>
    /// Further variables by name, such as enable_thinking. They override special tokens. Variables called messages, tools, documents and
    /// add_generation_prompt are ignored in favour of the properties above; callers should refuse them from clients.
    /// </summary>
    public IReadOnlyDictionary<string, JsonElement> Variables { get; init; } = new Dictionary<string, JsonElement>();

    /// <summary>The local time that strftime_now formats.</summary>
    public required DateTimeOffset Now { get; init; }
}
