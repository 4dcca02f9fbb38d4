using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Storage;

/// <summary>
/// A database that is the index of files beside it. It is refused where it is not the one that they belong to, and copies of its rows beside it
/// let it be rebuilt. Safe for concurrent use.
/// </summary>
public abstract partial class IndexDatabase<TContext> : Database<TContext>
    where TContext : DbContext
{
    private readonly string _name;
    private readonly DatabaseGeneration _generation;
    private readonly IndexCopies<TContext> _copies;
    private readonly DiskReserve _reserve;
    private readonly ILogger _log;
    private readonly Lock _changing = new();

    /// <param name="generation">Of the database.</param>
    /// <param name="name">What the database is to people: database of jobs.</param>
    /// <param name="copies">Of its rows.</param>
    /// <param name="reserve">Room on the disk that deleting needs when it is full.</param>
    /// <param name="log">Told what a killed process left, and of copies that cannot be written.</param>
    /// <param name="create">Makes a context on a connection.</param>
    protected IndexDatabase(
        DatabaseGeneration generation,
        string name,
        IndexCopies<TContext> copies,
        DiskReserve reserve,
        ILogger log,
        Func<DbContextOptions<TContext>, TContext> create)
        : base(generation.DatabasePath, name, generation.Advice, create) =>
        (_generation, _name, _copies, _reserve, _log) = (generation, name, copies, reserve, log);

    /// <summary>Grows with every change of what exists.</summary>
    public long Generation
    {
        get { lock (_changing) return _generation.Number; }
    }

    /// <summary>Opens the database, which is created if it is not there.</summary>
    /// <param name="rebuilt">What a database that was just created begins with; null where one may be there, or where a new one is empty.</param>
    /// <exception cref="InvalidDatabaseException">It is damaged, or not the one that its files belong to; the message says how to go on.</exception>
    /// <exception cref="IOException">It cannot be used.</exception>
    protected void Open(IndexContent<TContext>? rebuilt = null)
    {
        _generation.CheckExists();
        Open(_log, _generation.Check, context => Complete(context, rebuilt));
    }

    /// <summary>Changes what exists: first the database, then the copies.</summary>
    /// <param name="change">Of the tables, whole or not at all.</param>
    /// <param name="isChange">Whether its result says that what exists was changed.</param>
    /// <param name="copy">Writes or deletes the copies of the rows that were changed.</param>
    /// <exception cref="IOException">Nothing was changed.</exception>
    protected T Change<T>(Func<TContext, T> change, Func<T, bool> isChange, Action<TContext, T> copy)
    {
        lock (_changing)
        {
            var wasBehind = _generation.IsBehind;
            var result = Write(context =>
            {
                var made = change(context);
                if (isChange(made)) _generation.Raise(Sqlite(context));
                return made;
            });
            if (isChange(result)) Copy(context => copy(context, result), wasBehind);
            return result;
        }
    }

    /// <summary>The same for a change that takes something away, which also works on a full disk.</summary>
    /// <param name="change">Of the tables, whole or not at all.</param>
    /// <param name="copy">Deletes the copies of the rows that are gone.</param>
    /// <exception cref="IOException">Nothing was changed.</exception>
    protected T Delete<T>(Func<TContext, T> change, Action<TContext, T> copy) => _reserve.Delete(() => Change(change, static _ => true, copy));

    private void Complete(TContext context, IndexContent<TContext>? rebuilt)
    {
        // One transaction: a kill before its end leaves an empty database, which is refused beside files.
        using (var transaction = context.Database.BeginTransaction())
        {
            rebuilt?.Fill(context);
            context.ChangeTracker.Clear();
            _generation.Open(Sqlite(context), rebuilt?.FirstGeneration ?? 1, () => rebuilt is null ? _copies.WhyNotNew(context) : null);
            if (_copies.WhyOlder(context, _generation) is { } fault) throw _generation.Refusal(fault);
            transaction.Commit();
        }

        if (_generation.IsBehind || !_copies.Exist) WriteAll(context);
    }

    // The change is made, so a failure here is not the caller's. The generation stays behind until the next change, or the next start, has
    // written all copies.
    private void Copy(Action<TContext> copy, bool wasBehind)
    {
        try
        {
            UseWriting(context =>
            {
                if (wasBehind)
                {
                    WriteAll(context);
                    return;
                }

                copy(context);
                _generation.Commit(Sqlite(context));
            });
        }
        catch (Exception e)
        {
            LogNoCopies(_name, e.Message);
        }
    }

    private void WriteAll(TContext context)
    {
        _copies.WriteAll(context);
        _generation.Commit(Sqlite(context));
    }

    [LoggerMessage(LogLevel.Warning, "The last change of the {Name} is not copied beside it; rebuilding it would need the copy: {Reason}")]
    private partial void LogNoCopies(string name, string reason);
}
