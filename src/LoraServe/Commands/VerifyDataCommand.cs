using System.CommandLine;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Engine.Storage;
using LoraServe.Hosting;
using LoraServe.Jobs.Storage;
using LoraServe.Keys;
using LoraServe.Keys.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Commands;

/// <summary>The subcommand verify-data: checks a data folder without starting, and changes nothing in it.</summary>
internal static class VerifyDataCommand
{
    private const int Faulty = 1;
    private const int NotChecked = 2;

    public static Command Create()
    {
        var data = new Option<string>("--data")
        {
            Description = "The data folder of a server that does not run. Default: the one that a server started here would use.",
            HelpName = "DIR",
            DefaultValueFactory = _ => ServerConfiguration.Data,
        };
        var command = new Command(
            "verify-data",
            "Checks a data folder without starting: whether its databases belong to its files, and every stored file byte by byte. A line for each "
            + "fault, and for each thing that the next start puts right. The exit code is 0 without faults, 1 with some, 2 if it cannot be checked.")
        {
            data,
        };
        command.SetAction(result => Run(result.GetValue(data)!, Console.Out, Console.Error));
        return command;
    }

    /// <summary>Checks a data folder.</summary>
    /// <param name="folder">The data folder.</param>
    /// <param name="output">Gets a line per finding and a summary.</param>
    /// <param name="error">Gets the reason if the folder cannot be checked.</param>
    /// <returns>The exit code.</returns>
    internal static int Run(string folder, TextWriter output, TextWriter error)
    {
        folder = Path.GetFullPath(folder);
        if (!Directory.Exists(folder)) return Refuse($"{folder} does not exist: name the server's data folder by --data.", error);
        try
        {
            var place = Path.Combine(folder, "lock");
            using var held = File.Exists(place) ? DataFolderLock.TakeExisting(place) : null;
            var findings = new List<DataFinding>(AdapterData.Verify(folder, out var versions));
            findings.AddRange(JobData.Verify(folder, out var counts));
            findings.AddRange(VerifyKeys(folder, out var keys));
            if (OwnerOnly.CountOpen(folder) is > 0 and var open)
                findings.Add(new(false, $"{open} files and folders of {folder} can be read or changed by others: the next start takes these rights away"));
            foreach (var finding in findings) output.WriteLine($"{(finding.IsFault ? "fault" : "note")}: {finding.Text}");
            var faults = findings.Count(finding => finding.IsFault);
            output.WriteLine(
                $"Faults: {faults}, notes: {findings.Count - faults}. Looked at: versions of adapters {versions}, files {counts.Files}, jobs {counts.Jobs}, keys {keys}.");
            return faults > 0 ? Faulty : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Refuse(e.Message, error);
        }
    }

    private static IReadOnlyList<DataFinding> VerifyKeys(string folder, out int count)
    {
        count = 0;
        using var copy = new DatabaseCopy(Path.Combine(folder, "keys.db"), "had-keys");
        try
        {
            using var database = KeyDatabase.Open(copy.Folder);
            using var keys = new KeyRing(database, TimeProvider.System, NullLogger<KeyRing>.Instance);
            count = keys.List().Count;
            keys.CheckNotLost();
            return [];
        }
        catch (IOException e)
        {
            return [new(true, copy.Explain(e.Message))];
        }
    }

    private static int Refuse(string reason, TextWriter error)
    {
        error.WriteLine($"The data folder cannot be checked:\n  {reason}");
        return NotChecked;
    }
}
