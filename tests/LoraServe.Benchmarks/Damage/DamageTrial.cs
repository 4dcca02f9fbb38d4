using System.Security.Cryptography;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Engine.Storage;
using LoraServe.Jobs.Storage;
using LoraServe.Keys;
using LoraServe.Keys.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace LoraServe.Benchmarks.Damage;

/// <summary>
/// Repeatedly damages a data folder and opens a server's stores on it: no file may be lost, and a refusal to start must say how to continue.
/// </summary>
/// <param name="source">Folders to damage.</param>
/// <param name="root">An empty folder to work in.</param>
internal sealed class DamageTrial(DamageSource source, string root)
{
    // A refusal must name one of these ways to continue.
    private static readonly string[] Ways = ["--rebuild-registry", "keys create", "--data"];

    private readonly string _data = Path.Combine(root, "data");

    /// <summary>Starts that succeeded without help.</summary>
    public int Started { get; private set; }

    /// <summary>Starts that were refused.</summary>
    public int Refused { get; private set; }

    /// <summary>Refused starts that succeeded with --rebuild-registry.</summary>
    public int Rebuilt { get; private set; }

    /// <summary>Refused starts that required a new key, or keys.db from a backup, and succeeded with it.</summary>
    public int Keyed { get; private set; }

    /// <summary>Files checked, summed over all starts.</summary>
    public long Files { get; private set; }

    /// <summary>Files that starts moved into the trash.</summary>
    public long Trashed { get; private set; }

    /// <summary>Broken rules, one per line.</summary>
    public List<string> Violations { get; } = [];

    /// <summary>Damages one folder one to three times, starts, and does what the refusal says, if there is one.</summary>
    public void Run(int seed)
    {
        var random = new Random(seed);
        if (Directory.Exists(_data)) Directory.Delete(_data, recursive: true);
        // One of the last four, so that there are older copies to restore files from.
        var copy = random.Next(source.Copies.Count - 4, source.Copies.Count);
        DamageSource.CopyTree(source.Copies[copy], _data);
        var damages = new Damages(source, _data, copy, random);
        var done = string.Join(", ", Enumerable.Range(0, random.Next(1, 4)).Select(_ => damages.Next()));
        try
        {
            Try(source.Copies[copy]);
        }
        catch (Exception e)
        {
            Violations.Add($"seed {seed} ({Path.GetFileName(source.Copies[copy])}: {done}): {e.GetType().Name}: {e.Message}");
        }
    }

    private void Try(string copy)
    {
        var before = Inventory();
        var findings = AdapterData.Verify(_data, out _).Concat(JobData.Verify(_data, out _)).Where(finding => finding.IsFault).ToList();
        Compare(before, "verify-data");
        if (Start(before, rebuild: false) is not { } refusal)
        {
            Started++;
            Require(!findings.Any(IsRefusal), $"verify-data says that a start would be refused: {findings.FirstOrDefault(IsRefusal)?.Text}");
            Require(Start(before, rebuild: false) is null, "A second start is refused.");
            return;
        }

        Refused++;
        if (refusal.Contains("keys.db", StringComparison.Ordinal))
        {
            if (refusal.Contains("keys create", StringComparison.Ordinal)) MakeKey();
            else Restore("keys.db", copy);
            Keyed++;
            refusal = Start(before, rebuild: false);
            if (refusal is null) return;
        }

        Require(findings.Any(IsRefusal), $"verify-data finds no reason, but a start is refused: {refusal}");
        var names = KnownNames();
        var versions = Folders(Path.Combine("adapters", "versions"));
        var files = StoredFiles();
        Require(Start(before, rebuild: true) is null, $"--rebuild-registry does not help: {LastRefusal}");
        using (var server = new DamagedServer(_data))
        {
            var served = server.Adapters.List().Where(info => info.Parts.Count == 0).SelectMany(info => server.Adapters.Versions(info.Name)).Select(version => version.Version.Value);
            var lost = versions.Except(served, StringComparer.Ordinal).ToList();
            Require(lost.Count == 0, $"{lost.Count} versions that lie there have no name after rebuilding.");
            var unnamed = names.Except(server.Adapters.List().Select(info => info.Name), StringComparer.Ordinal).ToList();
            Require(unnamed.Count == 0, $"{string.Join(", ", unnamed)}: names whose copies and versions are whole are lost by rebuilding.");
            var admin = Caller.CommandLine;
            foreach (var file in files) server.Files.Get(file, admin);
        }

        Compare(before, "a start after rebuilding");
        Rebuilt++;
    }

    private static bool IsRefusal(DataFinding finding) =>
        finding.Text.Contains("--rebuild-registry", StringComparison.Ordinal) || finding.Text.Contains("--data", StringComparison.Ordinal)
        || finding.Text.Contains("which does not know it", StringComparison.Ordinal);

    private string LastRefusal { get; set; } = "";

    // The refusal, or null if the start succeeded.
    private string? Start(Dictionary<string, string> before, bool rebuild)
    {
        try
        {
            new DamagedServer(_data, rebuild).Dispose();
            return null;
        }
        catch (IOException e)
        {
            Require(Ways.Any(way => e.Message.Contains(way, StringComparison.Ordinal)), $"The refusal names no way to go on: {e.Message}");
            return LastRefusal = e.Message;
        }
        finally
        {
            Compare(before, rebuild ? "rebuilding" : "a start");
        }
    }

    private void Restore(string name, string copy)
    {
        foreach (var file in new[] { name, $"{name}-wal" })
        {
            File.Delete(Path.Combine(_data, file));
            if (File.Exists(Path.Combine(copy, file))) File.Copy(Path.Combine(copy, file), Path.Combine(_data, file));
        }
    }

    private void MakeKey()
    {
        // A keys.db that cannot be opened is moved away first, as the refusal says.
        try
        {
            KeyDatabase.Open(_data).Dispose();
        }
        catch (IOException)
        {
            foreach (var file in Directory.GetFiles(_data, "keys.db*")) File.Move(file, Path.Combine(root, $"moved-{Guid.NewGuid():N}"));
        }

        using var database = KeyDatabase.Open(_data);
        using var keys = new KeyRing(database, TimeProvider.System, NullLogger<KeyRing>.Instance);
        keys.Create(new NewKey { Name = "admin", Scopes = KeyScopes.All, Adapters = [AdapterPattern.TryParse("*")!], AllowsBase = true });
    }

    // Names whose alias file and versions are complete.
    private HashSet<string> KnownNames()
    {
        var folders = Folders(Path.Combine("adapters", "versions")).ToHashSet(StringComparer.Ordinal);
        var (rows, _) = Engine.Adapters.Store.AliasFiles.Of(Path.Combine(_data, "adapters", "registry.db")).Read();
        return rows.Where(row => row.History.TrueForAll(entry => folders.Contains(entry.Version))).Select(row => row.Name).ToHashSet(StringComparer.Ordinal);
    }

    private IReadOnlyList<string> Folders(string name) =>
        Directory.Exists(Path.Combine(_data, name)) ? [.. Directory.GetDirectories(Path.Combine(_data, name)).Select(path => Path.GetFileName(path))] : [];

    private IReadOnlyList<string> StoredFiles() => Directory.Exists(Path.Combine(_data, "files"))
        ? [.. Directory.GetFiles(Path.Combine(_data, "files"), "file-*").Select(path => Path.GetFileName(path))]
        : [];

    // All files but databases, files derived from them, and files that are provably garbage: unfinished uploads.
    private Dictionary<string, string> Inventory()
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var path in Directory.GetFiles(_data, "*", SearchOption.AllDirectories))
        {
            var name = Path.GetRelativePath(_data, path);
            if (IsMade(name) || name.StartsWith("trash", StringComparison.Ordinal)) continue;
            found[name] = Hash(path);
        }

        return found;
    }

    private static bool IsMade(string name)
    {
        var parts = name.Split(Path.DirectorySeparatorChar);
        return parts[^1].Contains(".db", StringComparison.Ordinal) || parts[^1].EndsWith(".generation", StringComparison.Ordinal)
            || parts[^1] is "lock" or "reserve" or "version.json" || parts[0] == "index" || parts is ["adapters", "aliases", ..]
            || (parts.Contains("incoming") && Guid.TryParseExact(parts[Array.IndexOf(parts, "incoming") + 1], "N", out _));
    }

    private void Compare(Dictionary<string, string> before, string after)
    {
        var trash = Path.Combine(_data, "trash");
        HashSet<string>? kept = null;
        foreach (var (name, hash) in before)
        {
            Files++;
            var path = Path.Combine(_data, name);
            if (File.Exists(path) && Hash(path) == hash) continue;
            kept ??= Directory.Exists(trash) ? [.. Directory.GetFiles(trash, "*", SearchOption.AllDirectories).Select(Hash)] : [];
            Require(kept.Contains(hash), $"{name} is gone after {after}.");
            Trashed++;
        }
    }

    private static string Hash(string path) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)));

    private static void Require(bool holds, string otherwise)
    {
        if (!holds) throw new BenchmarkException(otherwise);
    }
}
