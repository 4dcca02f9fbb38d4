using LoraServe.Engine.Kernels.Decoding;

namespace LoraServe.Engine.Models.Cpu;

/// <summary>
/// The part of a step that attends: queries of a key head together, piece by piece of their context. The pieces of a single new token are divided
/// among the members and joined afterwards; those of a prompt's tokens are joined at once. Both join the same pieces in the same order.
/// </summary>
internal sealed unsafe class AttentionPhase
{
    private readonly List<Tile> _tiles = [];
    private readonly List<Join> _joins = [];
    private readonly LayersPass _pass;
    private readonly int _group;
    private readonly int _kvHeads;
    private readonly int _headDim;

    /// <param name="pass">The step.</param>
    public AttentionPhase(LayersPass pass)
    {
        var config = pass.Config;
        (_pass, _group, _kvHeads, _headDim) = (pass, config.HeadCount / config.KvHeadCount, config.KvHeadCount, config.HeadDim);
    }

    /// <summary>Numbers that the parts of divided contexts take.</summary>
    public long PartsLength { get; private set; }

    private int PartSize => _headDim + 2;

    /// <summary>Divides a step's work, the same for all layers.</summary>
    public void Plan()
    {
        _tiles.Clear();
        _joins.Clear();
        PartsLength = 0;
        var size = _pass.Cache.Shape.PieceSize;
        for (var i = 0; i < _pass.Spans.Count; i++)
        {
            var span = _pass.Spans[i];
            for (var row = 0; row < span.Count; row++) _joins.Add(default);
            if (span.Count == 1)
            {
                AddPieces(i, (span.Context + size - 1) / size);
                continue;
            }

            var rows = Math.Max(1, StepMember.MostQueries / Math.Min(_group, StepMember.MostQueries));
            for (var row = 0; row < span.Count; row += rows) _tiles.Add(new Tile(i, row, Math.Min(rows, span.Count - row), -1, -1));
        }
    }

    /// <summary>Runs it for one layer: from rotated queries to packed rows of heads.</summary>
    public void Run(int layer, StepMember member)
    {
        var total = _tiles.Count * _kvHeads;
        while (_pass.TryTake(member, total, 1, out var from, out var to))
        {
            for (; from < to; from++) Attend(layer, _tiles[from / _kvHeads], from % _kvHeads, member);
        }

        _pass.Meet(member);
        PackRows(member);
        _pass.Meet(member);
    }

    private void AddPieces(int span, int pieces)
    {
        _joins[^1] = new Join(pieces, PartsLength);
        for (var piece = 0; piece < pieces; piece++)
            _tiles.Add(new Tile(span, 0, 1, piece, pieces == 1 ? -1 : PartsLength + ((long)piece * _kvHeads * _group * PartSize)));
        if (pieces > 1) PartsLength += (long)pieces * _kvHeads * _group * PartSize;
    }

    // Groups of more query heads than are attended together come one after the other.
    private void Attend(int layer, Tile tile, int head, StepMember member)
    {
        for (var first = 0; first < _group; first += StepMember.MostQueries)
            AttendHeads(layer, tile, head, (first, Math.Min(StepMember.MostQueries, _group - first)), member);
    }

    private void AttendHeads(int layer, Tile tile, int head, (int First, int Count) heads, StepMember member)
    {
        var span = _pass.Spans[tile.Span];
        var count = 0;
        var window = _pass.Modules.Layers[layer].Window;
        for (var row = tile.Row; row < tile.Row + tile.Rows; row++)
        {
            var end = span.Position + row + 1;
            for (var i = 0; i < heads.Count; i++, count++)
            {
                var query = Inner(span.Start + row) + (((head * _group) + heads.First + i) * _headDim);
                new ReadOnlySpan<float>(query, _headDim).CopyTo(new Span<float>(member.Queries + (count * _headDim), _headDim));
                member.Ranges[count] = new QueryRange(window is { } most ? Math.Max(0, end - most) : 0, end);
            }
        }

        if (tile.Parts >= 0)
        {
            AttendPiece(layer, span, head, tile.Piece, count, member);
            for (var i = 0; i < count; i++) Keep(member.Parts[i], tile.Parts + ((((long)head * _group) + heads.First + i) * PartSize));
            return;
        }

        AttendAll(layer, span, head, count, member);
        for (var i = 0; i < count; i++)
        {
            var row = span.Start + tile.Row + (i / heads.Count);
            _pass.Kernels.Finish(member.Wholes[i], Inner(row) + (((head * _group) + heads.First + (i % heads.Count)) * _headDim), _headDim);
        }
    }

    private void AttendAll(int layer, StepSpan span, int head, int count, StepMember member)
    {
        for (var i = 0; i < count; i++) Clear(ref member.Wholes[i]);
        var size = _pass.Cache.Shape.PieceSize;
        for (var piece = member.Ranges[0].Start / size; piece * size < member.Ranges[count - 1].End; piece++)
        {
            AttendPiece(layer, span, head, piece, count, member);
            for (var i = 0; i < count; i++) _pass.Kernels.Join(member.Parts[i], member.Wholes[i], _headDim);
        }
    }

    private void AttendPiece(int layer, StepSpan span, int head, int piece, int count, StepMember member)
    {
        fixed (QueryRange* ranges = member.Ranges)
        fixed (AttentionPart* parts = member.Parts)
        {
            _pass.Kernels.Attend(
                new AttentionPiece
                {
                    Queries = member.Queries,
                    Count = count,
                    Ranges = ranges,
                    Blocks = _pass.Blocks + span.Blocks,
                    Keys = _pass.Cache.Keys(layer, head),
                    Values = _pass.Cache.Values(layer, head),
                    Start = piece * _pass.Cache.Shape.PieceSize,
                    Scores = member.Scores,
                    Parts = parts,
                },
                _pass.Cache.Shape);
        }
    }

    private void Keep(in AttentionPart part, long at)
    {
        var target = _pass.Buffers.Parts + at;
        (target[0], target[1]) = (part.Largest, part.Weight);
        new ReadOnlySpan<float>(part.Sum, _headDim).CopyTo(new Span<float>(target + 2, _headDim));
    }

    // Joins what was divided, and packs the heads of each row for the output projection.
    private void PackRows(StepMember member)
    {
        while (_pass.TryTake(member, _pass.Rows, 1, out var from, out var to))
        {
            for (; from < to; from++)
            {
                if (_joins[from] is { Pieces: > 1 } join) JoinPieces(from, join, member);
                _pass.Pack(Inner(from), from, _pass.Modules.Layers[0].AttentionOutput[0]);
            }
        }
    }

    private void JoinPieces(int row, Join join, StepMember member)
    {
        ref var whole = ref member.Wholes[0];
        for (var head = 0; head < _kvHeads * _group; head++)
        {
            Clear(ref whole);
            for (var piece = 0; piece < join.Pieces; piece++)
            {
                var stored = _pass.Buffers.Parts + join.Parts + ((((long)piece * _kvHeads * _group) + head) * PartSize);
                _pass.Kernels.Join(new AttentionPart { Largest = stored[0], Weight = stored[1], Sum = stored + 2 }, whole, _headDim);
            }

            _pass.Kernels.Finish(whole, Inner(row) + (head * _headDim), _headDim);
        }
    }

    private void Clear(ref AttentionPart whole)
    {
        (whole.Largest, whole.Weight) = (float.NegativeInfinity, 0);
        new Span<float>(whole.Sum, _headDim).Clear();
    }

    private float* Inner(int row) => _pass.Buffers.Inner + ((long)row * _pass.Buffers.AttentionWidth);

    // How many pieces to join for a row, and where their results are.
    private readonly record struct Join(int Pieces, long Parts);

    // Rows of a span, on one piece of their context or, where that is -1, on all of it; where the results of the piece go.
    private readonly record struct Tile(int Span, int Row, int Rows, int Piece, long Parts);
}
