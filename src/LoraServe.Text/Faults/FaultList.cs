namespace LoraServe.Text.Faults;

/// <summary>
/// The faults of an input. Only the first <see cref="Most"/> are kept, so that an input with millions of faults costs neither memory nor time.
/// </summary>
/// <typeparam name="T">A fault; of bounded size, whatever the input holds.</typeparam>
/// <param name="refuse">
/// Makes the exception thrown when the list is full and by <see cref="ThrowIfAny"/>; null: further faults are only counted.
/// </param>
public class FaultList<T>(Func<IReadOnlyList<T>, Exception>? refuse)
{
    /// <summary>The largest number of faults kept.</summary>
    public const int Most = 20;

    private readonly List<T> _kept = [];

    /// <summary>The first faults.</summary>
    public IReadOnlyList<T> Kept => _kept;

    /// <summary>The number of faults, including those not kept.</summary>
    public int Count { get; private set; }

    /// <summary>Whether there is any fault.</summary>
    public bool Any => Count > 0;

    /// <summary>Whether no further fault is kept.</summary>
    public bool IsFull => _kept.Count == Most;

    /// <summary>Adds a fault. Throws the refusal, if there is one, when this fault fills the list.</summary>
    public void Add(T fault)
    {
        Count++;
        if (IsFull) return;
        _kept.Add(Limit(fault));
        if (IsFull && refuse is not null) throw refuse(_kept);
    }

    /// <summary>Adds faults, as <see cref="Add"/> does.</summary>
    public void AddRange(IEnumerable<T> faults)
    {
        foreach (var fault in faults) Add(fault);
    }

    /// <summary>Whether a kept fault matches.</summary>
    public bool Exists(Predicate<T> match) => _kept.Exists(match);

    /// <summary>Removes the kept faults that match.</summary>
    public void RemoveAll(Predicate<T> match) => Count -= _kept.RemoveAll(match);

    /// <summary>Throws the refusal if there is any fault.</summary>
    public void ThrowIfAny()
    {
        if (Any && refuse is not null) throw refuse(_kept);
    }

    /// <summary>The fault, shortened for display.</summary>
    protected virtual T Limit(T fault) => fault;
}

/// <summary>Faults as sentences.</summary>
/// <param name="refuse">As in the base class.</param>
public sealed class FaultList(Func<IReadOnlyList<string>, Exception>? refuse) : FaultList<string>(refuse)
{
    /// <inheritdoc/>
    protected override string Limit(string fault) => FaultText.Limit(fault);
}
