namespace LoraServe.Engine.Generation;

/// <summary>
/// Work that shares the engine's thread with requests, in slices of some milliseconds: all of the time while nobody waits for tokens, at
/// most a share of it while somebody does. One piece of work at a time, in the order in which they came, those with a share of their own before
/// all others. Only the engine's thread uses it.
/// </summary>
/// <remarks>
/// Every step for requests earns slices their share beside it, and they take it at once or lose it: requests are never held up for what
/// was saved before. A slice cannot be stopped when its time is over; what it takes too much is paid by the next steps, or by time in which
/// nobody waits.
/// </remarks>
/// <param name="share">
/// Part of the time that it may take while requests wait, from 0 to 1, of which the last hundredth is always theirs, so that they go on.
/// </param>
/// <param name="time">The clock.</param>
internal sealed class BackgroundWork(double share, TimeProvider time)
{
    private const double MostShare = 0.99;

    private readonly List<Piece> _pieces = [];

    // Time that slices may take while requests wait; below 0 what they have taken too much.
    private TimeSpan _balance;

    /// <summary>Whether there is work.</summary>
    public bool HasWork => _pieces.Count > 0;

    /// <summary>Adds a piece of work.</summary>
    /// <param name="advance">Does the next slice; false when there is none left. Never called once <paramref name="done"/> has ended.</param>
    /// <param name="done">Told of the end, or of what a slice threw.</param>
    /// <param name="cancellation">Ends it between two slices, or while it waits.</param>
    /// <param name="leastShare">A share of its own, which it has at least; 0: none.</param>
    public void Add(Func<bool> advance, TaskCompletionSource done, CancellationToken cancellation, double leastShare = 0)
    {
        var place = leastShare > 0 ? _pieces.Count(piece => piece.LeastShare > 0) : _pieces.Count;
        _pieces.Insert(place, new Piece(advance, done, leastShare, cancellation));
    }

    /// <summary>Told of the time that a step for requests took, which pays for slices.</summary>
    public void Served(TimeSpan elapsed)
    {
        var earned = elapsed * (Share / (1 - Share));
        _balance = earned + (_balance < TimeSpan.Zero ? _balance : TimeSpan.Zero);
    }

    /// <summary>Whether <see cref="Advance"/> does a slice.</summary>
    /// <param name="requestsWait">Whether somebody waits for tokens.</param>
    public bool IsDue(bool requestsWait) => HasWork && (!requestsWait || (Share > 0 && _balance > TimeSpan.Zero));

    /// <summary>Does a slice if it is due, and ends what was cancelled in any case.</summary>
    /// <param name="requestsWait">Whether somebody waits for tokens.</param>
    public void Advance(bool requestsWait)
    {
        EndCancelled();
        if (!IsDue(requestsWait)) return;
        var start = time.GetTimestamp();
        Continue(_pieces[0]);
        var elapsed = time.GetElapsedTime(start);
        if (requestsWait) _balance -= elapsed;
        else if (_balance < TimeSpan.Zero) _balance = _balance + elapsed < TimeSpan.Zero ? _balance + elapsed : TimeSpan.Zero;
    }

    /// <summary>Ends everything.</summary>
    public void FailAll(Exception error)
    {
        foreach (var piece in _pieces) piece.Done.TrySetException(error);
        _pieces.Clear();
    }

    private void Continue(Piece piece)
    {
        try
        {
            if (piece.Advance()) return;
            _pieces.Remove(piece);
            piece.Done.TrySetResult();
        }
        catch (OperationCanceledException e)
        {
            _pieces.Remove(piece);
            piece.Done.TrySetCanceled(e.CancellationToken);
        }
        catch (Exception e)
        {
            _pieces.Remove(piece);
            piece.Done.TrySetException(e);
        }
    }

    // Whoever cancels may wait for the end, while requests leave no time for a slice.
    private void EndCancelled()
    {
        for (var i = _pieces.Count - 1; i >= 0; i--)
        {
            if (!_pieces[i].Cancellation.IsCancellationRequested) continue;
            _pieces[i].Done.TrySetCanceled(_pieces[i].Cancellation);
            _pieces.RemoveAt(i);
        }
    }

    // Of the piece whose turn it is.
    private double Share => Math.Min(MostShare, _pieces is [var next, ..] ? Math.Max(share, next.LeastShare) : share);

    private sealed record Piece(Func<bool> Advance, TaskCompletionSource Done, double LeastShare, CancellationToken Cancellation);
}
