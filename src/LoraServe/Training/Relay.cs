namespace LoraServe.Training;

/// <summary>Progress that is told at once and in order, on the thread that tells it.</summary>
internal sealed class Relay<T>(Action<T> tell) : IProgress<T>
{
    public void Report(T value) => tell(value);
}
