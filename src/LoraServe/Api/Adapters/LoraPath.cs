using LoraServe.Api.Requests;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Text.Files;

namespace LoraServe.Api.Adapters;

/// <summary>
/// A folder of the server's machine that a client named. It must lie below the folder that the operator allows, and so must everything that
/// is read of it, whatever symbolic links say.
/// </summary>
internal static class LoraPath
{
    // As much as Linux takes and follows: resolving a path costs its length times its parts.
    private const int MaxLength = 4096;
    private const int MaxLinks = 40;

    /// <summary>Reads the files of the folder as an upload.</summary>
    /// <param name="path">Absolute, or relative to <paramref name="root"/>.</param>
    /// <param name="root">The folder that the operator allows; null if there is none.</param>
    /// <param name="upload">Receives the files.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <exception cref="InvalidRequestException">No such folder may be read.</exception>
    /// <exception cref="InvalidAdapterException">A file is refused.</exception>
    public static async Task ReadAsync(string path, string? root, AdapterUpload upload, CancellationToken cancellationToken)
    {
        if (root is null)
        {
            throw Fault("no folder of this server may be read: start it with --lora-path-root, or upload the adapter with "
                + "PUT /v1/adapters/{name}", "path_not_allowed");
        }

        if (path.Length > MaxLength || path.Contains('\0', StringComparison.Ordinal))
            throw Fault($"expected a path of at most {MaxLength} characters, none of them zero");
        foreach (var file in Files(path, root))
        {
            await using var content = Open(file.Resolved);
            await upload.ReadFileAsync(file.Name, content, cancellationToken);
        }
    }

    private static List<(string Name, string Resolved)> Files(string path, string root)
    {
        try
        {
            root = Resolve(Path.GetFullPath(root));
            var folder = Inside(root, Path.GetFullPath(path, root));
            if (!Directory.Exists(folder))
                throw Fault($"expected a folder below the one that this server allows, found none at '{path}'");
            var files = Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal);
            return [.. files.Select(file => (Path.GetFileName(file), Inside(root, file)))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Fault("the server cannot read this folder");
        }
    }

    private static FileStream Open(string file)
    {
        if (RegularFile.IsOther(file)) throw Fault(RegularFile.Fault(Path.GetFileName(file)));
        try
        {
            return File.OpenRead(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Fault($"the server cannot read {Path.GetFileName(file)}");
        }
    }

    // Nothing is said about what lies elsewhere, not even whether it exists.
    private static string Inside(string root, string path)
    {
        var resolved = IsInside(root, path) ? Resolve(path) : path;
        return IsInside(root, resolved)
            ? resolved
            : throw Fault("leads out of the folder below which this server may read adapters", "path_not_allowed");
    }

    private static bool IsInside(string root, string path)
    {
        var prefix = Path.EndsInDirectorySeparator(root) ? root : root + Path.DirectorySeparatorChar;
        return path == root || path.StartsWith(prefix, StringComparison.Ordinal);
    }

    // The path without symbolic links, as realpath gives it; what does not exist is no link.
    private static string Resolve(string path)
    {
        var links = 0;
        var resolved = Path.GetPathRoot(path)!;
        var rest = new Stack<string>();
        Push(path[resolved.Length..]);
        while (rest.TryPop(out var name))
        {
            if (name == "..")
            {
                resolved = Path.GetDirectoryName(resolved) ?? resolved;
                continue;
            }

            var next = Path.Combine(resolved, name);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                resolved = next;
                continue;
            }

            if (++links > MaxLinks) throw Fault("has too many symbolic links");
            if (Path.IsPathRooted(target)) resolved = Path.GetPathRoot(target)!;
            Push(target[(Path.GetPathRoot(target) ?? "").Length..]);
        }

        return resolved;

        void Push(string names)
        {
            foreach (var name in names.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Reverse())
            {
                if (name != ".") rest.Push(name);
            }
        }
    }

    private static InvalidRequestException Fault(string message, string code = "invalid_value") => new("lora_path", message, code);
}
