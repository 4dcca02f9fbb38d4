namespace LoraServe.Engine.Training.Data;

/// <summary>What is wrong with a data file: the first faults, and how many more there are.</summary>
/// <param name="file">Without its folder.</param>
internal sealed class DataFaults(string file)
{
    private const int Most = 100;

    private readonly List<string> _faults = [];
    private int _more;

    /// <summary>Whether there is one.</summary>
    public bool Any => _faults.Count > 0;

    /// <summary>All that are kept.</summary>
    public IReadOnlyList<string> All => _more == 0 ? _faults : [.. _faults, $"{file}: and {_more} more faults"];

    /// <summary>Adds a fault of a line.</summary>
    public void Add(int line, string fault) => AddAny(At(line, fault));

    /// <summary>Adds a fault of the file.</summary>
    public void Add(string fault) => AddAny($"{file}: {fault}");

    /// <summary>Something about a line.</summary>
    public string At(int line, string text) => $"{file}, line {line}: {text}";

    /// <summary>A name or value out of a file, cut to what a message can hold.</summary>
    public static string Shorten(string text) => text.Length <= 60 ? text : $"{text[..60]}...";

    private void AddAny(string fault)
    {
        if (_faults.Count < Most) _faults.Add(fault);
        else _more++;
    }
}
