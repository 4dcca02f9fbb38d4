using LoraServe.Api.Chat.Tools;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Generation;

namespace LoraServe.Api.Chat;

/// <summary>A conversation as the prompt of one column. Its chat template may come with the adapter, so it is rendered after that is loaded.</summary>
/// <param name="prompts">Of the request, shared by its columns.</param>
internal sealed class ConversationPrompt(RequestPrompts prompts) : IPromptSource
{
    public int Count => 1;

    /// <summary>The notation of tool calls in the answer; null where none are expected. Known once it is encoded.</summary>
    public ToolCallFormat? ToolCalls { get; private set; }

    public async Task<IReadOnlyList<GenerationPrompt>> EncodeAsync(Task<AdapterLease> adapter, CancellationToken cancellationToken)
    {
        var prompt = await prompts.RenderAsync(await adapter, cancellationToken);
        ToolCalls = prompt.ToolCalls;
        return prompts.Encode(prompt, cancellationToken);
    }
}
