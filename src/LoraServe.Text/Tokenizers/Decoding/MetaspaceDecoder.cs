using LoraServe.Text.Tokenizers.PreTokenization;

namespace LoraServe.Text.Tokenizers.Decoding;

/// <summary>Turns the replacement back into spaces; drops it in the first token if encoding may have prepended it.</summary>
internal sealed class MetaspaceDecoder(string replacement, PrependScheme scheme) : Decoder
{
    public override DecoderStep Start(DecoderStep next) => new Step(replacement, scheme, next);

    private sealed class Step(string replacement, PrependScheme scheme, DecoderStep next) : WholeTokenStep
    {
        private string _space = scheme == PrependScheme.Never ? " " : "";

        protected override void Accept(string token)
        {
            next.Write(token.Replace(replacement, _space, StringComparison.Ordinal));
            next.EndToken();
            _space = " ";
        }

        public override void Complete() => next.Complete();

        protected override WholeTokenStep ForkStep(TextCollector end) => new Step(replacement, scheme, next.Fork(end)) { _space = _space };
    }
}
