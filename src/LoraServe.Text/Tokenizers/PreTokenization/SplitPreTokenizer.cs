using LoraServe.Text.Tokenizers.Patterns;

namespace LoraServe.Text.Tokenizers.PreTokenization;

/// <summary>Splits at the matches of a pattern; inverted, at the text between matches.</summary>
internal sealed class SplitPreTokenizer(Pattern pattern, SplitBehavior behavior, bool invert = false) : PreTokenizer
{
    public override List<Piece> Split(List<Piece> pieces)
    {
        var result = new List<Piece>(pieces.Count);
        Span<Choice> stack = stackalloc Choice[32];
        foreach (var piece in pieces)
        {
            var joiner = new Joiner(piece, behavior, result);
            using var matcher = pattern.Match(piece.Text, stack);
            var last = 0;
            while (matcher.Next(out var start, out var end))
            {
                if (start > last) joiner.Add(start, isMatch: invert);
                joiner.Add(end, isMatch: !invert);
                last = end;
            }
            if (last < piece.Length) joiner.Add(piece.Length, isMatch: invert);
            joiner.Flush();
        }
        return result;
    }

    /// <summary>Joins the matches of one piece and the text between them according to the behavior.</summary>
    private ref struct Joiner(Piece piece, SplitBehavior behavior, List<Piece> result)
    {
        private int _start;
        private int _end;
        private bool _isMatch;

        /// <summary>Adds the text from the end of the last part to <paramref name="end"/>.</summary>
        public void Add(int end, bool isMatch)
        {
            var joins = behavior switch
            {
                SplitBehavior.Contiguous => isMatch == _isMatch,
                SplitBehavior.MergedWithPrevious => isMatch && !_isMatch,
                SplitBehavior.MergedWithNext => !isMatch && _isMatch,
                _ => false,
            };
            if (!joins) Flush();
            (_end, _isMatch) = (end, isMatch);
        }

        public void Flush()
        {
            if (_end > _start && !(_isMatch && behavior == SplitBehavior.Removed)) result.Add(piece.Slice(_start, _end));
            _start = _end;
        }
    }
}
