namespace LoraServe.Text.Faults;

/// <summary>
/// What is wrong with an input, as far as a person reads it: the first faults, so that millions of them cost neither memory nor time.
/// </summary>
/// <typeparam name="T">A fault; short whatever the input holds.</typeparam>
/// <param name="refuse">
/// Makes the exception that ends reading once the list is full, and that <see cref="ThrowIfAny"/> throws; null: further faults are counted.
/// </param>
public class FaultList<T>(Func<IReadOnlyList<T>, Exception>? refuse)
{
    /// <summary>Most faults that are kept.</summary>
    public const int Most = 20;

    private readonly List<T> _kept = [];

    /// <summary>The first faults.</summary>
    public IReadOnlyList<T> Kept => _kept;

    /// <summary>How many there are, those that are not kept included.</summary>
    public int Count { get; private set; }

    /// <summary>Whether there is one.</summary>
    public bool Any => Count > 0;

    /// <summary>Whether no further fault is kept.</summary>
    public bool IsFull => _kept.Count == Most;

    /// <summary>Adds a fault. The one that fills the list ends reading by the exception of the refusal, if there is one.</summary>
    public void Add(T fault)
    {
        Count++;
        if (IsFull) return;
        _kept.Add(Limit(fault));
        if (IsFull && refuse is not null) throw refuse(_kept);
    }

    /// <summary>Adds faults, as far as there is place.</summary>
    public void AddRange(IEnumerable<T> faults)
    {
        foreach (var fault in faults) Add(fault);
    }

    /// <summary>Whether a fault of this kind is kept.</summary>
    public bool Exists(Predicate<T> match) => _kept.Exists(match);

    /// <summary>Takes faults back.</summary>
    public void RemoveAll(Predicate<T> match) => Count -= _kept.RemoveAll(match);

    /// <summary>Refuses the input if there is a fault.</summary>
    public void ThrowIfAny()
    {
        if (Any && refuse is not null) throw refuse(_kept);
    }

    /// <summary>The fault, cut to what a person reads.</summary>
    protected virtual T Limit(T fault) => fault;
}

/// <summary>Faults that are sentences.</summary>
/// <param name="refuse">As in the base class.</param>
public sealed class FaultList(Func<IReadOnlyList<string>, Exception>? refuse) : FaultList<string>(refuse)
{
    /// <inheritdoc/>
    protected override string Limit(string fault) => FaultText.Limit(fault);
}
