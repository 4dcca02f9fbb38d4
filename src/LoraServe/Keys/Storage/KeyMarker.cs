using System.Text;
using LoraServe.Engine.Storage;

namespace LoraServe.Keys.Storage;

/// <summary>
/// The file had-keys of a data folder: it remembers beside the database that there were keys, so that a database that is lost or emptied
/// does not open the server.
/// </summary>
internal sealed class KeyMarker(string folder)
{
    private const string FileName = "had-keys";

    private const string Content = """
        API keys were made for this data folder. While this file is here, LoraServe does not start without them.

        """;

    private volatile bool _isKnown;

    /// <summary>Whether there were ever keys; never becomes false again.</summary>
    public bool Exists => _isKnown || (_isKnown = File.Exists(Location));

    /// <summary>Where it is.</summary>
    public string Location { get; } = Path.Combine(folder, FileName);

    /// <summary>Records that there are keys; durable when this returns.</summary>
    /// <returns>Whether this was the first time.</returns>
    /// <exception cref="IOException">It could not be written.</exception>
    public bool Set()
    {
        if (Exists) return false;
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.ReadWrite };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new FileStream(Location, options))
        {
            file.Write(Encoding.UTF8.GetBytes(Content));
            file.Flush(flushToDisk: true);
        }

        DurableDisk.FlushFolder(folder);
        return _isKnown = true;
    }

    /// <summary>Removes the record when the first key could not be created.</summary>
    /// <exception cref="IOException">The record is still there.</exception>
    public void TakeBack()
    {
        File.Delete(Location);
        DurableDisk.FlushFolder(folder);
        _isKnown = false;
    }
}
