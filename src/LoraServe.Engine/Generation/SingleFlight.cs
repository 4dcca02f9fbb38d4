namespace LoraServe.Engine.Generation;

/// <summary>
/// Work that is done once for all callers while it runs, and cancelled when the last of them stops waiting. Safe for concurrent use.
/// </summary>
internal sealed class SingleFlight<T>
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Flight> _flights = new(StringComparer.Ordinal);

    /// <summary>The result of the work of this key that runs, or of this one.</summary>
    /// <param name="key">The same for the same work.</param>
    /// <param name="work">Started on the thread pool if none of this key runs; its token is cancelled when no caller waits for it.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task<T> RunAsync(string key, Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var flight = Join(key, work);
        try
        {
            return await flight.Result.WaitAsync(cancellationToken);
        }
        finally
        {
            Leave(key, flight);
        }
    }

    private Flight Join(string key, Func<CancellationToken, Task<T>> work)
    {
        lock (_gate)
        {
            // Work that has ended is not joined, even if a caller has yet to fetch its result.
            if (!_flights.TryGetValue(key, out var flight) || flight.Result.IsCompleted) _flights[key] = flight = new Flight(work);
            flight.Waiting++;
            return flight;
        }
    }

    private void Leave(string key, Flight flight)
    {
        lock (_gate)
        {
            if (--flight.Waiting > 0) return;
            if (_flights.GetValueOrDefault(key) == flight) _flights.Remove(key);
        }

        flight.Stop.Cancel();
    }

    private sealed class Flight
    {
        public Flight(Func<CancellationToken, Task<T>> work) => Result = Task.Run(() => work(Stop.Token));

        public CancellationTokenSource Stop { get; } = new();

        public Task<T> Result { get; }

        public int Waiting { get; set; }
    }
}
