namespace LoraServe.Text.Tokenizers.Decoding;

/// <summary>Joins all tokens into one.</summary>
internal sealed class FuseDecoder : Decoder
{
    public override DecoderStep Start(DecoderStep next) => new Step(next);

    private sealed class Step(DecoderStep next) : DecoderStep
    {
        public override void Write(ReadOnlySpan<char> text) => next.Write(text);

        public override void EndToken()
        {
        }

        public override void Complete()
        {
            next.EndToken();
            next.Complete();
        }

        public override DecoderStep Fork(TextCollector end) => new Step(next.Fork(end));
    }
}
