namespace LoraServe.Engine.Storage;

/// <summary>
/// A database is damaged, or is not the one that its files belong to: one that is built from the files takes its place. Whatever else keeps a
/// database from being used leaves it what it is.
/// </summary>
/// <param name="message">What is wrong and how to go on.</param>
/// <param name="cause">What found it out, if anything.</param>
public sealed class InvalidDatabaseException(string message, Exception? cause = null) : IOException(message, cause);
