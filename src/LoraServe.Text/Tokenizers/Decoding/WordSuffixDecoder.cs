namespace LoraServe.Text.Tokenizers.Decoding;

/// <summary>Replaces the end-of-word suffix by a space, or by nothing in the last token.</summary>
internal sealed class WordSuffixDecoder(string suffix) : Decoder
{
    public override DecoderStep Start(DecoderStep next) => new Step(suffix, next);

    private sealed class Step(string suffix, DecoderStep next) : WholeTokenStep
    {
        private string? _held;

        protected override void Accept(string token)
        {
            Release(" ");
            _held = token;
        }

        public override void Complete()
        {
            Release("");
            next.Complete();
        }

        protected override WholeTokenStep ForkStep(TextCollector end) => new Step(suffix, next.Fork(end)) { _held = _held };

        private void Release(string space)
        {
            if (_held is null) return;
            next.Write(suffix.Length == 0 ? _held : _held.Replace(suffix, space, StringComparison.Ordinal));
            next.EndToken();
        }
    }
}
