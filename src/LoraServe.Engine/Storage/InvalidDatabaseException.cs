namespace LoraServe.Engine.Storage;

/// <summary>
/// A database is damaged, or is not the one that its files belong to, so that one rebuilt from the files may replace it. Other reasons why a
/// database cannot be used do not justify that.
/// </summary>
/// <param name="message">What is wrong and how to go on.</param>
/// <param name="cause">The exception that showed it, if any.</param>
public sealed class InvalidDatabaseException(string message, Exception? cause = null) : IOException(message, cause);
