using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LoraServe.Api.Chat;
using LoraServe.Generation;

namespace LoraServe.Api.Compare;

/// <summary>
/// One prompt or one conversation for several adapters at once, and how tokens are chosen for each. Everything else is as for completions
/// and chat; an adapter's own chat template applies to its own column.
/// </summary>
public sealed record CompareRequest : ChatParameters
{
    /// <summary>The text to continue, or a list of token ids. Either this or messages.</summary>
    /// <example>Which products cost less than 59 euros?</example>
    public Prompts? Prompt { get; init; }

    /// <summary>The conversation to answer. Either this or prompt.</summary>
    /// <example>[{"role": "user", "content": "Which products cost less than 59 euros?"}]</example>
    public ChatMessages? Messages { get; init; }

    /// <summary>One column for each: an adapter, name@version, a sum like a:0.7,b:0.3, or an object with a name and a weight.</summary>
    /// <example>["summarize", "sql", {"name": "sentiment", "weight": 0.5}]</example>
    [Required]
    public new CompareAdapters? Adapters { get; init; }

    /// <summary>Whether the first column is the bare base model.</summary>
    /// <example>true</example>
    [DefaultValue(true)]
    public bool IncludeBase { get; init; } = true;

    internal override ChatMessages? Conversation => Messages;

    internal override bool AddsSpecialTokens => AddSpecialTokens ?? Prompt is not null;
}
