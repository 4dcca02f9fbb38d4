namespace LoraServe.Engine.Adapters.Intake;

/// <summary>The path of an entry of an archive, which is never joined to a folder on disk: only its parts are compared.</summary>
/// <param name="Folder">Its folder inside the archive with '/' between parts, "" at the top.</param>
/// <param name="FileName">The last part.</param>
internal readonly record struct ArchivePath(string Folder, string FileName)
{
    /// <summary>Splits the path as an archive states it; a null fault means that it stays inside the archive.</summary>
    public static ArchivePath Parse(string path, out string? fault)
    {
        fault = path switch
        {
            _ when path.Any(char.IsControl) => "has a control character in its path",
            _ when path.Contains('\\') => "has a backslash in its path; use '/'",
            ['/', ..] => "has an absolute path",
            [_, ':', ..] => "has a drive letter in its path",
            _ when path.Split('/').Contains("..") => "leaves the archive's folder by '..'",
            _ => null,
        };
        var parts = path.Split('/').Where(part => part is not ("" or ".")).ToList();
        return parts.Count == 0 ? default : new(string.Join('/', parts[..^1]), parts[^1]);
    }

    public override string ToString() => Folder is "" or null ? FileName ?? "" : $"{Folder}/{FileName}";
}
