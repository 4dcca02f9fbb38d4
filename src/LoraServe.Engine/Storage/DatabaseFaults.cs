using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace LoraServe.Engine.Storage;

/// <summary>Turns the exceptions of SQLite and EF Core into ones that say which database failed and how to go on.</summary>
/// <param name="path">The database.</param>
/// <param name="name">What it is to people: database of keys.</param>
/// <param name="advice">How to go on where it is damaged, in sentences.</param>
internal sealed class DatabaseFaults(string path, string name, string advice)
{
    /// <summary>Runs something on the database.</summary>
    /// <param name="verb">Read, written or opened, for the message.</param>
    /// <param name="use">What to run.</param>
    /// <exception cref="InvalidDatabaseException">A cell holds a value of another type.</exception>
    /// <exception cref="IOException">The database cannot be used.</exception>
    public T Explain<T>(string verb, Func<T> use)
    {
        try
        {
            return use();
        }
        catch (Exception e) when (e is FormatException or InvalidCastException or OverflowException)
        {
            throw Damage(e.Message, e);
        }
        catch (Exception e) when (e is SqliteException or DbUpdateException)
        {
            throw Failure(verb, (e.InnerException ?? e).Message, e);
        }
    }

    /// <summary>Says why a database could not be opened.</summary>
    public IOException ExplainOpening(Exception exception) => exception switch
    {
        InvalidDatabaseException invalid => invalid,
        _ when DatabaseDamage.IsCauseOf(exception) => Damage(exception.GetBaseException().Message, exception),
        IOException known => known,
        _ => Failure("opened", exception.Message, exception),
    };

    private InvalidDatabaseException Damage(string reason, Exception cause) => new($"{path}, the {name}, is damaged: {reason} {advice}", cause);

    private IOException Failure(string verb, string reason, Exception cause) => new($"The {name}, {path}, cannot be {verb}: {reason}", cause);
}
