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
    /// <exception cref="IOException">It could not be written.</exception>
    public void Set()
    {
        if (Exists) return;
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.ReadWrite };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new FileStream(Location, options))
        {
            file.Write(Encoding.UTF8.GetBytes(Content));
            file.Flush(flushToDisk: true);
        }

        DurableDisk.FlushFolder(folder);
        _isKnown = true;
    }
}
