namespace LoraServe.Engine.Generation;

/// <summary>
/// Sliced work that shares the engine's thread with requests: it has the thread while no request waits for tokens, and at most a share of the
/// time while some do. Work runs one after the other, in order of arrival; work with a share of its own comes first. Only the engine's
/// thread uses it.
/// </summary>
/// <remarks>
/// Each step earns the slices after it their share. What they do not take at once is lost: requests never wait for time saved up before.
/// A slice cannot be cut short. An overrun is deducted from later slices, and from time in which no request waits.
/// </remarks>
/// <param name="share">
/// Share of the time while requests wait, from 0 to 1. The last hundredth always belongs to requests, so that they progress.
/// </param>
/// <param name="time">The clock.</param>
internal sealed class BackgroundWork(double share, TimeProvider time)
{
    // At a share of 1, requests would stand still. A hundredth is a guess between that and what an operator asked for.
    private const double MostShare = 0.99;

    private readonly List<Piece> _pieces = [];

    // Time that slices may take while requests wait; below 0, their overrun.
    private TimeSpan _balance;

    /// <summary>Whether there is work.</summary>
    public bool HasWork => _pieces.Count > 0;

    /// <summary>Adds work.</summary>
    /// <param name="work">Not advanced once <paramref name="done"/> has completed. Not disposed.</param>
    /// <param name="done">Completed with it, or with the exception of a slice.</param>
    /// <param name="cancellation">Ends it between two slices, or while it waits.</param>
    /// <param name="leastShare">A share of its own, which it has at least; 0: none.</param>
    public void Add(ISlicedWork work, TaskCompletionSource done, CancellationToken cancellation, double leastShare = 0)
    {
        var place = leastShare > 0 ? _pieces.Count(piece => piece.LeastShare > 0) : _pieces.Count;
        _pieces.Insert(place, new Piece(work, done, leastShare, cancellation));
    }

    /// <summary>Earns slices their share of a step.</summary>
    /// <param name="elapsed">Step time.</param>
    public void Served(TimeSpan elapsed)
    {
        var earned = elapsed * (Share / (1 - Share));
        _balance = earned + (_balance < TimeSpan.Zero ? _balance : TimeSpan.Zero);
    }

    /// <summary>Whether <see cref="Advance"/> does a slice.</summary>
    /// <param name="requestsWait">Whether requests wait for tokens.</param>
    public bool IsDue(bool requestsWait) => HasWork && (!requestsWait || (Share > 0 && _balance > TimeSpan.Zero));

    /// <summary>Does a slice if it is due; ends cancelled work in any case.</summary>
    /// <param name="requestsWait">Whether requests wait for tokens.</param>
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

    /// <summary>Ends all work with an error.</summary>
    public void FailAll(Exception error)
    {
        foreach (var piece in _pieces) piece.Done.TrySetException(error);
        _pieces.Clear();
    }

    private void Continue(Piece piece)
    {
        try
        {
            if (piece.Work.Advance()) return;
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

    // The canceller may wait for the end while requests leave no time for a slice.
    private void EndCancelled()
    {
        for (var i = _pieces.Count - 1; i >= 0; i--)
        {
            if (!_pieces[i].Cancellation.IsCancellationRequested) continue;
            _pieces[i].Done.TrySetCanceled(_pieces[i].Cancellation);
            _pieces.RemoveAt(i);
        }
    }

    // Of the work whose turn it is.
    private double Share => Math.Min(MostShare, _pieces is [var next, ..] ? Math.Max(share, next.LeastShare) : share);

    private sealed record Piece(ISlicedWork Work, TaskCompletionSource Done, double LeastShare, CancellationToken Cancellation);
}
