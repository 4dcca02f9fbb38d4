using LoraServe.Text.Tokenizers.PreTokenization;

namespace LoraServe.Text.Tokenizers.Decoding;

/// <summary>Turns the replacement back into spaces; in the first token into nothing, if encoding may have put one in front.</summary>
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
    }
}
