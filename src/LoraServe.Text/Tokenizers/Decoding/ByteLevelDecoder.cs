using System.Buffers;
using System.Text;

namespace LoraServe.Text.Tokenizers.Decoding;

/// <summary>
/// Decodes tokens in the byte-level alphabet and joins them into one token. Bytes that are not valid UTF-8 become U+FFFD, one for each
/// longest prefix of a character.
/// </summary>
internal sealed class ByteLevelDecoder : Decoder
{
    public override DecoderStep Start(DecoderStep next) => new Step(next);

    public override byte[] Bytes(string token) => ByteLevel.Decode(token);

    private sealed class Step(DecoderStep next) : WholeTokenStep
    {
        private byte[] _incomplete = [];

        protected override void Accept(string token)
        {
            var decoded = ByteLevel.Decode(token);
            byte[] bytes = _incomplete.Length == 0 ? decoded : [.. _incomplete, .. decoded];
            Span<char> utf16 = stackalloc char[2];
            var position = 0;
            while (position < bytes.Length)
            {
                var status = Rune.DecodeFromUtf8(bytes.AsSpan(position), out var rune, out var length);
                if (status == OperationStatus.NeedMoreData) break;
                next.Write(utf16[..rune.EncodeToUtf16(utf16)]);
                position += length;
            }
            _incomplete = bytes[position..];
        }

        public override void Complete()
        {
            if (_incomplete.Length > 0) next.Write("\uFFFD");
            next.EndToken();
            next.Complete();
        }

        protected override WholeTokenStep ForkStep(TextCollector end) => new Step(next.Fork(end)) { _incomplete = _incomplete };
    }
}
