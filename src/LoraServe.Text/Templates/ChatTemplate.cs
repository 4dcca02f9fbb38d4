using LoraServe.Text.Templates.Nodes;
using LoraServe.Text.Templates.Syntax;
using LoraServe.Text.Templates.Values;

namespace LoraServe.Text.Templates;

/// <summary>
/// A chat template: Jinja in the environment of transformers (an immutable sandbox with trim_blocks, lstrip_blocks, break and
/// continue, raise_exception, strftime_now and its own tojson). Compiled once; immutable and safe for concurrent use. It has access only to
/// its input, and rendering stops at the limits on steps, time, nesting and size.
/// </summary>
public sealed class ChatTemplate
{
    private readonly Statement _body;

    private ChatTemplate(string source, Statement body) => (Source, _body) = (source, body);

    /// <summary>The source that it was compiled from.</summary>
    public string Source { get; }

    /// <summary>Compiles a template.</summary>
    /// <exception cref="InvalidChatTemplateException">The source has a syntax error, or is longer than 2^20 characters.</exception>
    public static ChatTemplate Compile(string source)
    {
        if (source.Length > RenderLimits.SourceLength)
        {
            throw new InvalidChatTemplateException(
                0, $"a chat template may have at most {RenderLimits.SourceLength} characters, found {source.Length}");
        }

        return new ChatTemplate(source, TemplateParser.Parse(source));
    }

    /// <summary>Renders a conversation.</summary>
    /// <param name="input">The conversation and variables.</param>
    /// <param name="cancellation">Ends the rendering.</param>
    /// <exception cref="ChatTemplateException">The template raises an exception, fails, or exceeds a limit; the message is for the client.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public string Render(ChatTemplateInput input, CancellationToken cancellation = default)
    {
        var context = new Dictionary<string, object>(StringComparer.Ordinal);
        foreach (var (name, value) in input.Variables) context[name] = InputValues.Of(value);
        context["messages"] = InputValues.Of(input.Messages);
        context["tools"] = input.Tools is { } tools ? InputValues.Of(tools) : None.Value;
        context["documents"] = input.Documents is { } documents ? InputValues.Of(documents) : None.Value;
        context["add_generation_prompt"] = Flag.Of(input.AddGenerationPrompt);
        return Render(context, input.Now, TimeProvider.System, cancellation);
    }

    /// <summary>Renders with these variables only.</summary>
    internal string Render(
        Dictionary<string, object> context, DateTimeOffset now, TimeProvider clock, CancellationToken cancellation = default)
    {
        var rendering = new Rendering(now, clock, cancellation);
        try
        {
            _body.Execute(new Scope(new Scope(rendering, context)));
            return rendering.Output.ToString();
        }
        catch (ChatTemplateException e) when (!e.IsRaised)
        {
            throw new ChatTemplateException($"the chat template fails on line {rendering.Line}: {e.Message}", e);
        }
    }
}
