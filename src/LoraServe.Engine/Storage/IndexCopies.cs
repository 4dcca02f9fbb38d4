using Microsoft.EntityFrameworkCore;

namespace LoraServe.Engine.Storage;

/// <summary>
/// Copies of the rows of an <see cref="IndexDatabase{TContext}"/> as files beside it, from which it can be rebuilt. They also show whether the
/// index is an older one. Not safe for concurrent use.
/// </summary>
public abstract class IndexCopies<TContext>
    where TContext : DbContext
{
    /// <summary>Whether their folders exist.</summary>
    public abstract bool Exist { get; }

    /// <summary>Why an index without a generation is neither new nor written by a version without generations; null if it may be.</summary>
    public abstract string? WhyNotNew(TContext context);

    /// <summary>How the files beside the index show that it is older than they are; null if they do not. Changes nothing.</summary>
    /// <param name="context">Of the index.</param>
    /// <param name="generation">Of the index. Where it is behind, the last change may not have reached the copies.</param>
    public abstract string? WhyOlder(TContext context, DatabaseGeneration generation);

    /// <summary>Writes a copy of every row, and moves copies of other rows into the trash: they may be the only ones.</summary>
    /// <exception cref="IOException">Not all are written or moved.</exception>
    public abstract void WriteAll(TContext context);
}
