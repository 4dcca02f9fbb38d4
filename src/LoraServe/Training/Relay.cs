namespace LoraServe.Training;

/// <summary>Reports progress synchronously and in order, on the reporting thread.</summary>
internal sealed class Relay<T>(Action<T> tell) : IProgress<T>
{
    public void Report(T value) => tell(value);
}
