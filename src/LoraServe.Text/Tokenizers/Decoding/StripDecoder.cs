namespace LoraServe.Text.Tokenizers.Decoding;

/// <summary>Strips up to <c>start</c> copies of a character from the start of every token and up to <c>stop</c> from its end.</summary>
internal sealed class StripDecoder(string character, int start, int stop) : Decoder
{
    public override DecoderStep Start(DecoderStep next) => new Step(character, start, stop, next);

    private sealed class Step(string character, int start, int stop, DecoderStep next) : DecoderStep
    {
        /// <summary>Copies stripped from the start of the token so far.</summary>
        private int _taken;

        /// <summary>Copies at the end of the token so far, at most <c>stop</c>.</summary>
        private int _held;

        public override void Write(ReadOnlySpan<char> text)
        {
            foreach (var rune in text.EnumerateRunes())
            {
                var isCharacter = rune.ToString() == character;
                if (isCharacter && _taken < start) _taken++;
                else if (isCharacter && _held < stop) _held++;
                else if (isCharacter) next.Write(character);
                else WriteOther(rune.ToString());
            }
        }

        public override void EndToken()
        {
            (_taken, _held) = (0, 0);
            next.EndToken();
        }

        public override void Complete() => next.Complete();

        public override DecoderStep Fork(TextCollector end) => new Step(character, start, stop, next.Fork(end)) { _taken = _taken, _held = _held };

        private void WriteOther(string text)
        {
            for (; _held > 0; _held--) next.Write(character);
            _taken = start;
            next.Write(text);
        }
    }
}
