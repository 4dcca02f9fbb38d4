using LoraServe.Text.Tokenizers.Patterns;

namespace LoraServe.Text.Tokenizers.Decoding;

/// <summary>
/// Replaces the matches of a pattern in every token. A literal is replaced as soon as it is complete; a regular expression waits
/// for the end of the token.
/// </summary>
internal sealed class ReplaceDecoder(Pattern pattern, string content) : Decoder
{
    public override DecoderStep Start(DecoderStep next) =>
        pattern.Text is { } literal ? new LiteralStep(literal, content, next) : new RegexStep(pattern, content, next);

    private sealed class RegexStep(Pattern pattern, string content, DecoderStep next) : WholeTokenStep
    {
        protected override void Accept(string token)
        {
            next.Write(pattern.Replace(token, content));
            next.EndToken();
        }

        public override void Complete() => next.Complete();

        protected override WholeTokenStep ForkStep(TextCollector end) => new RegexStep(pattern, content, next.Fork(end));
    }

    private sealed class LiteralStep(string literal, string content, DecoderStep next) : DecoderStep
    {
        /// <summary>A prefix of the literal that the next part of the token may continue.</summary>
        private string _held = "";

        public override void Write(ReadOnlySpan<char> text)
        {
            var rest = _held.Length == 0 ? text : string.Concat(_held, text);
            for (var at = rest.IndexOf(literal, StringComparison.Ordinal); at >= 0; at = rest.IndexOf(literal, StringComparison.Ordinal))
            {
                next.Write(rest[..at]);
                next.Write(content);
                rest = rest[(at + literal.Length)..];
            }
            var held = Math.Min(rest.Length, literal.Length - 1);
            while (!rest.EndsWith(literal.AsSpan(0, held), StringComparison.Ordinal)) held--;
            next.Write(rest[..^held]);
            _held = rest[^held..].ToString();
        }

        public override void EndToken()
        {
            next.Write(_held);
            _held = "";
            next.EndToken();
        }

        public override void Complete() => next.Complete();

        public override DecoderStep Fork(TextCollector end) => new LiteralStep(literal, content, next.Fork(end)) { _held = _held };
    }
}
