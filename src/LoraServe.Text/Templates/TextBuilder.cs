using System.Text;

namespace LoraServe.Text.Templates;

/// <summary>Builds a text, counting each character against the limits before it is appended.</summary>
internal sealed class TextBuilder(Rendering rendering)
{
    private readonly StringBuilder _text = new();

    /// <summary>Adds a text.</summary>
    public TextBuilder Append(ReadOnlySpan<char> text)
    {
        rendering.MakeText(text.Length);
        if (_text.Length + text.Length > RenderLimits.TextLength)
            throw new ChatTemplateException($"a text may have at most {RenderLimits.TextLength} characters");
        _text.Append(text);
        return this;
    }

    /// <summary>Adds a character.</summary>
    public TextBuilder Append(char character) => Append([character]);

    /// <summary>Adds a character repeatedly.</summary>
    public TextBuilder Append(char character, long count)
    {
        if (count <= 0) return this;
        rendering.MakeText(_text.Length + count);
        _text.Append(character, (int)count);
        return this;
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();
}
