using LoraServe.Engine.Training.Results;

namespace LoraServe.Engine.Tests.Training.Runs;

/// <summary>The events of a training, in order.</summary>
internal sealed class EventList : IProgress<TrainingEvent>
{
    private readonly List<TrainingEvent> _events = [];

    /// <summary>Called with every event.</summary>
    public Action<TrainingEvent>? Told { get; init; }

    /// <summary>A copy of the events so far.</summary>
    public IReadOnlyList<TrainingEvent> All
    {
        get
        {
            lock (_events) return [.. _events];
        }
    }

    public IReadOnlyList<StepMade> Steps => [.. All.OfType<StepMade>()];

    public void Report(TrainingEvent value)
    {
        lock (_events) _events.Add(value);
        Told?.Invoke(value);
    }
}
