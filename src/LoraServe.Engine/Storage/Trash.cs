using System.Globalization;
using Microsoft.Extensions.Logging;

namespace LoraServe.Engine.Storage;

/// <summary>
/// The folder trash of a data folder: files that a start finds and no database knows, instead of deleting what may be the only copy. The name of
/// each entry begins with the UTC date and time at which it was moved there. Safe for concurrent use.
/// </summary>
/// <param name="dataFolder">Contains the trash and everything that is moved there.</param>
/// <param name="time">Dates the entries.</param>
/// <param name="log">Told of each entry when it comes and when it is deleted.</param>
public sealed partial class Trash(string dataFolder, TimeProvider time, ILogger log)
{
    /// <summary>Its name in the data folder.</summary>
    public const string FolderName = "trash";

    private const string TimeFormat = "yyyyMMdd'T'HHmmss'Z'";

    private readonly string _root = Path.GetFullPath(dataFolder);

    private string Folder => Path.Combine(_root, FolderName);

    /// <summary>Moves a file or folder of the data folder into the trash.</summary>
    /// <param name="path">Exists.</param>
    /// <param name="reason">Why it is no part of the data, for the log.</param>
    /// <exception cref="IOException">It stays where it is.</exception>
    public void Take(string path, string reason)
    {
        OwnerOnly.CreateFolder(Folder);
        var name = Path.GetRelativePath(_root, Path.GetFullPath(path)).Replace(Path.DirectorySeparatorChar, '-');
        var date = time.GetUtcNow().ToString(TimeFormat, CultureInfo.InvariantCulture);
        var place = Path.Combine(Folder, $"{date}-{name}");
        for (var i = 2; Path.Exists(place); i++) place = Path.Combine(Folder, $"{date}-{name}.{i}");
        if (Directory.Exists(path)) Directory.Move(path, place);
        else File.Move(path, place);
        LogTaken(Path.GetRelativePath(_root, path), reason, place);
    }

    /// <summary>Deletes old entries. Entries without a date in their names stay.</summary>
    /// <param name="age">How long an entry is kept.</param>
    public void Empty(TimeSpan age)
    {
        if (!Directory.Exists(Folder)) return;
        foreach (var path in Directory.EnumerateFileSystemEntries(Folder).ToList())
        {
            var name = Path.GetFileName(path);
            if (name.Length <= TimeFormat.Length || !IsOld(name.Split('-')[0], age)) continue;
            try
            {
                if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
                else File.Delete(path);
                LogDeleted(name, age.TotalDays);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                LogNotDeleted(name, e.Message);
            }
        }
    }

    private bool IsOld(string date, TimeSpan age) =>
        DateTimeOffset.TryParseExact(date, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var taken)
        && time.GetUtcNow() - taken >= age;

    [LoggerMessage(LogLevel.Warning, "Moved {Path} to the trash: {Reason}. It is {Place} now")]
    private partial void LogTaken(string path, string reason, string place);

    [LoggerMessage(LogLevel.Information, "Deleted {Name} from the trash, where it lay for {Days} days or longer")]
    private partial void LogDeleted(string name, double days);

    [LoggerMessage(LogLevel.Warning, "{Name} in the trash is not deleted: {Reason}")]
    private partial void LogNotDeleted(string name, string reason);
}
