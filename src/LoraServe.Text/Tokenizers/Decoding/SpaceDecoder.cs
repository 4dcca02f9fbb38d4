namespace LoraServe.Text.Tokenizers.Decoding;

/// <summary>What a tokenizer without a decoder does: puts a space between tokens.</summary>
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

        private void Open()
        {
            if (!_isOpen && _isLater) next.Write(" ");
            _isOpen = _isLater = true;
        }
    }
}
