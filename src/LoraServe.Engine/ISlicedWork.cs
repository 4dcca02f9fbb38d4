namespace LoraServe.Engine;

/// <summary>
/// Work for the engine's thread, cut into slices of a few milliseconds so that requests run between two of them. Only that thread advances it.
/// </summary>
internal interface ISlicedWork : IDisposable
{
    /// <summary>Does the next slice.</summary>
    /// <returns>Whether slices are left.</returns>
    bool Advance();

    /// <summary>Frees what unfinished work holds. Most work holds nothing.</summary>
    void IDisposable.Dispose()
    {
    }
}
