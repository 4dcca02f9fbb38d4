namespace LoraServe.Engine.Training.Data;

/// <summary>What is wrong with a data file, or remarkable: the first faults, and how many more there are.</summary>
/// <param name="file">Without its folder.</param>
/// <param name="kind">What they are called.</param>
internal sealed class DataFaults(string file, string kind = "faults")
{
    private const int Most = 100;

    private readonly List<string> _faults = [];
    private int _more;

    /// <summary>Whether there is one.</summary>
    public bool Any => _faults.Count > 0;

    /// <summary>How many there are, those that are not kept included.</summary>
    public int Count => _faults.Count + _more;

    /// <summary>All that are kept.</summary>
    public IReadOnlyList<string> All => _more == 0 ? _faults : [.. _faults, $"{file}: and {_more} more {kind}"];

    /// <summary>Adds a fault of a line.</summary>
    public void Add(int line, string fault) => AddAny($"{file}, line {line}: {fault}");

    /// <summary>Adds a fault of the file.</summary>
    public void Add(string fault) => AddAny($"{file}: {fault}");

    /// <summary>A name or value out of a request or a file, cut to what a message can hold.</summary>
    public static string Shorten(string text) => text.Length <= 60 ? text : $"{text[..60]}...";

    private void AddAny(string fault)
    {
        if (_faults.Count < Most) _faults.Add(fault);
        else _more++;
    }
}
