using LoraServe.Engine.Storage;

namespace LoraServe.Engine.Adapters.Store;

/// <summary>The files of a version that is about to be stored. They are flushed to the disk already, so that only renames remain.</summary>
internal sealed class StagedVersion
{
    // In the order in which a version is read; the description of the others comes last.
    private static readonly string[] Order = [AdapterFiles.Config, AdapterFiles.Tensors, .. AdapterFiles.Templates, VersionFile.FileName];

    private byte[] _description = [];

    private StagedVersion(AdapterVersionId version, string folder) => (Version, Folder) = (version, folder);

    /// <summary>SHA-256 of the content.</summary>
    public AdapterVersionId Version { get; }

    /// <summary>Holds the files of the version and no others; deleted with the upload.</summary>
    public string Folder { get; }

    /// <summary>Its files, in the order in which they replace others.</summary>
    public IEnumerable<string> Files => Order.Where(file => File.Exists(Path.Combine(Folder, file)));

    /// <summary>Flushes the files of a checked upload, and moves them into a folder of their own below the upload's.</summary>
    /// <exception cref="IOException">The disk is full or broken, or one of the two PEFT files is missing.</exception>
    public static StagedVersion Of(AdapterVersionId version, string uploadFolder)
    {
        var folder = Directory.CreateDirectory(Path.Combine(uploadFolder, "version")).FullName;
        var templates = AdapterFiles.Templates.Where(file => File.Exists(Path.Combine(uploadFolder, file)));
        foreach (var file in (string[])[AdapterFiles.Config, AdapterFiles.Tensors, .. templates])
        {
            DurableDisk.FlushFile(Path.Combine(uploadFolder, file));
            File.Move(Path.Combine(uploadFolder, file), Path.Combine(folder, file));
        }

        DurableDisk.FlushFolder(folder);
        return new StagedVersion(version, folder);
    }

    /// <summary>Writes the description of the files, unless it is there already.</summary>
    /// <exception cref="IOException">The disk is full or broken.</exception>
    public void Describe(VersionFile file)
    {
        var description = file.ToBytes();
        if (description.AsSpan().SequenceEqual(_description)) return;
        file.Write(Folder);
        DurableDisk.FlushFolder(Folder);
        _description = description;
    }
}
