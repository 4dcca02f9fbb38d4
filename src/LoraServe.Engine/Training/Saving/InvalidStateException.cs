namespace LoraServe.Engine.Training.Saving;

/// <summary>A state file that is damaged, or of another training; the message says how.</summary>
internal sealed class InvalidStateException(string message, Exception? cause = null) : Exception(message, cause);
