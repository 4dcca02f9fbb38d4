using System.Globalization;
using System.Text;

namespace LoraServe.Text.Tokenizers.Decoding;

/// <summary>
/// Turns runs of tokens like &lt;0xE2&gt; into the text of their bytes: the whole run if it is valid UTF-8, else one U+FFFD for each
/// byte. A run is held back until it ends or turns out to be invalid.
/// </summary>
internal sealed class ByteFallbackDecoder : Decoder
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public override DecoderStep Start(DecoderStep next) => new Step(next);

    public override byte[]? Bytes(string token) => ParseByte(token) is { } value ? [value] : null;

    private static byte? ParseByte(string token) =>
        token is ['<', '0', 'x', _, _, '>'] && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, null, out var value)
            ? value
            : null;

    private sealed class Step(DecoderStep next) : WholeTokenStep
    {
        private readonly List<byte> _run = [];

        protected override void Accept(string token)
        {
            if (ParseByte(token) is { } value)
            {
                _run.Add(value);
                return;
            }
            EndRun();
            next.Write(token);
            next.EndToken();
        }

        public override void Complete()
        {
            EndRun();
            next.Complete();
        }

        protected override WholeTokenStep ForkStep(TextCollector end)
        {
            var fork = new Step(next.Fork(end));
            fork._run.AddRange(_run);
            return fork;
        }

        private void EndRun()
        {
            if (_run.Count == 0) return;
            try
            {
                next.Write(StrictUtf8.GetString([.. _run]));
                next.EndToken();
            }
            catch (DecoderFallbackException)
            {
                foreach (var _ in _run)
                {
                    next.Write("\uFFFD");
                    next.EndToken();
                }
            }
            _run.Clear();
        }
    }
}
