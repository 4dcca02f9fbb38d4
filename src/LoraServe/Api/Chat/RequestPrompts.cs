using LoraServe.Engine.Adapters.Residency;
using LoraServe.Generation;
using LoraServe.Text.Templates;

namespace LoraServe.Api.Chat;

/// <summary>
/// The prompts of one request: its own template is compiled once, and adapters with the same template and special tokens share a prompt.
/// For one thread at a time.
/// </summary>
internal sealed class RequestPrompts(ChatPrompts prompts, ChatParameters request, string owner)
{
    private readonly Dictionary<(string Source, string SpecialTokens), ChatPrompt> _rendered = [];
    private readonly Dictionary<ChatPrompt, IReadOnlyList<GenerationPrompt>> _encoded = [];
    private ChatTemplate? _own;

    /// <summary>The prompt as text.</summary>
    /// <param name="adapter">What answers it.</param>
    /// <param name="cancellationToken">Stops waiting for other requests.</param>
    /// <exception cref="Api.Requests.InvalidRequestException">
    /// There is no usable template, it refuses the conversation, or it has no place for something in the request.
    /// </exception>
    public async Task<ChatPrompt> RenderAsync(AdapterLease adapter, CancellationToken cancellationToken)
    {
        var templates = prompts.TemplatesOf(adapter);
        // As with transformers, it may name one of the model's templates.
        var template = request.ChatTemplate is { } own && !templates.Names.Contains(own)
            ? _own ??= await prompts.CompileAsync(own, owner, cancellationToken)
            : prompts.Find(request, templates);
        var key = (template.Source, templates.SpecialTokensIdentity);
        if (!_rendered.TryGetValue(key, out var prompt))
            _rendered[key] = prompt = await prompts.RenderAsync(request, template, templates, owner, cancellationToken);
        return prompt;
    }

    /// <summary>The prompt's token ids.</summary>
    /// <exception cref="Api.Requests.InvalidRequestException">It has no tokens, or can never fit.</exception>
    public IReadOnlyList<GenerationPrompt> Encode(ChatPrompt prompt, CancellationToken cancellationToken)
    {
        if (!_encoded.TryGetValue(prompt, out var encoded)) _encoded[prompt] = encoded = prompts.Encode(prompt, request, cancellationToken);
        return encoded;
    }
}
