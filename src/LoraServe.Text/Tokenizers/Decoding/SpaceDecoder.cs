namespace LoraServe.Text.Tokenizers.Decoding;

/// <summary>The default without a decoder in the file: joins tokens with spaces.</summary>
internal sealed class SpaceDecoder : Decoder
{
    public override DecoderStep Start(DecoderStep next) => new Step(next);

    private sealed class Step(DecoderStep next) : DecoderStep
    {
        private bool _isLater;
        private bool _isOpen;

        public override void Write(ReadOnlySpan<char> text)
        {
            Open();
            next.Write(text);
        }

        public override void EndToken()
        {
            Open();
            _isOpen = false;
            next.EndToken();
        }

        public override void Complete() => next.Complete();

        public override DecoderStep Fork(TextCollector end) => new Step(next.Fork(end)) { _isLater = _isLater, _isOpen = _isOpen };

        private void Open()
        {
            if (!_isOpen && _isLater) next.Write(" ");
            _isOpen = _isLater = true;
        }
    }
}
