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

    /// <summary>Whether there were keys. Once it says so, it goes on to.</summary>
    public bool Exists => _isKnown || (_isKnown = File.Exists(Location));

    /// <summary>Where it is.</summary>
    public string Location { get; } = Path.Combine(folder, FileName);

    /// <summary>Remembers that there are keys; it is on the disk when this returns.</summary>
    /// <returns>Whether it did not know that before.</returns>
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

    /// <summary>Forgets that there are keys, where the first one could not be made.</summary>
    /// <exception cref="IOException">It goes on to say that there were some.</exception>
    public void TakeBack()
    {
        File.Delete(Location);
        DurableDisk.FlushFolder(folder);
        _isKnown = false;
    }
}
