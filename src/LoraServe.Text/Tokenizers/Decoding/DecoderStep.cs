using System.Text;

namespace LoraServe.Text.Tokenizers.Decoding;

/// <summary>
/// One step of decoding a sequence of tokens. Tokens arrive in parts and are closed by <see cref="EndToken"/>; a step passes on text
/// that can no longer change and holds back the rest.
/// </summary>
internal abstract class DecoderStep
{
    /// <summary>Takes the next part of the current token.</summary>
    public abstract void Write(ReadOnlySpan<char> text);

    public abstract void EndToken();

    /// <summary>Ends the sequence: passes on the text held back, and completes the next step.</summary>
    public abstract void Complete();

    /// <summary>A chain in the same state with another end.</summary>
    public abstract DecoderStep Fork(TextCollector end);
}

/// <summary>A step that needs whole tokens.</summary>
internal abstract class WholeTokenStep : DecoderStep
{
    private readonly StringBuilder _token = new();

    public sealed override void Write(ReadOnlySpan<char> text) => _token.Append(text);

    public sealed override void EndToken()
    {
        var token = _token.ToString();
        _token.Clear();
        Accept(token);
    }

    public sealed override DecoderStep Fork(TextCollector end)
    {
        var fork = ForkStep(end);
        fork._token.Append(_token);
        return fork;
    }

    protected abstract void Accept(string token);

    /// <summary>The same step without the parts of the current token.</summary>
    protected abstract WholeTokenStep ForkStep(TextCollector end);
}

/// <summary>The end of the chain: collects the text of all tokens.</summary>
internal sealed class TextCollector : DecoderStep
{
    private readonly StringBuilder _text = new();

    public override void Write(ReadOnlySpan<char> text) => _text.Append(text);

    public override void EndToken()
    {
    }

    public override void Complete()
    {
    }

    public override DecoderStep Fork(TextCollector end) => end;

    /// <summary>The text collected since the last call.</summary>
    public string Take()
    {
        var text = _text.ToString();
        _text.Clear();
        return text;
    }
}
