namespace LoraServe.Benchmarks;

/// <summary>A benchmark cannot run; the message tells the user why.</summary>
internal sealed class BenchmarkException(string message, Exception? innerException = null) : Exception(message, innerException);
