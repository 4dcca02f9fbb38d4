using System.ComponentModel.DataAnnotations;

namespace LoraServe.Api.Chat;

/// <summary>
/// A conversation to go on with, the adapter to do it with, and how tokens are chosen. Only the messages are required. The defaults of
/// temperature, top_p, top_k, min_p and repetition_penalty give way to what the model's generation_config.json recommends.
/// </summary>
public sealed record ChatRequest : ChatParameters
{
    /// <summary>The conversation, in order: system or developer, user, assistant and tool messages.</summary>
    /// <example>[{"role": "user", "content": "Which products cost less than 59 euros?"}]</example>
    [Required]
    public ChatMessages? Messages { get; init; }

    internal override ChatMessages? Conversation => Messages;
}
