namespace LoraServe.Benchmarks;

/// <summary>Why nothing can be measured, for the person who started the benchmark.</summary>
internal sealed class BenchmarkException(string message, Exception? innerException = null) : Exception(message, innerException);
