namespace LoraServe.Benchmarks.Damage;

/// <summary>Damage that a data folder may suffer while no server runs.</summary>
/// <param name="source">Older copies, and files of another server.</param>
/// <param name="data">The folder.</param>
/// <param name="copy">Index of the copy that the folder was made from.</param>
/// <param name="random">Chooses the damage.</param>
internal sealed class Damages(DamageSource source, string data, int copy, Random random)
{
    private static readonly string[] Databases = [Path.Combine("adapters", "registry.db"), "jobs.db", "keys.db"];

    /// <summary>Damages the folder once.</summary>
    /// <returns>What was done, as text.</returns>
    public string Next()
    {
        var database = Databases[random.Next(Databases.Length)];
        return random.Next(20) switch
        {
            0 => Remove(database),
            1 => Write($"{database} emptied", database, []),
            2 => Truncate(database),
            3 => Flip(database),
            4 => Remove($"{database}-wal"),
            5 => Truncate($"{database}-wal"),
            6 => Older(database, withLog: false),
            7 => Older(database, withLog: true),
            8 => Older(Path.ChangeExtension(database, ".generation"), withLog: false),
            9 => OlderWithGeneration(database),
            10 => Stranger(database),
            11 => Swap(),
            12 => Remove(Path.ChangeExtension(database, ".generation")),
            13 => Write($"{database}: generation garbled", Path.ChangeExtension(database, ".generation"), [1, 2, 3]),
            14 => Any(Path.Combine("adapters", "versions"), files: true),
            15 => RemoveFolder(random.Next(2) == 0 ? Path.Combine("adapters", "aliases") : "index"),
            16 => Any(random.Next(2) == 0 ? Path.Combine("adapters", "aliases") : "index", files: true),
            17 => Any("files", files: true),
            18 => Plant(),
            _ => RemoveAny(random.Next(2) == 0 ? Path.Combine("adapters", "versions") : "training"),
        };
    }

    private string Remove(string name)
    {
        File.Delete(At(name));
        return $"{name} removed";
    }

    private string Write(string what, string name, byte[] bytes)
    {
        if (Directory.Exists(Path.GetDirectoryName(At(name)))) File.WriteAllBytes(At(name), bytes);
        return what;
    }

    private string Truncate(string name)
    {
        if (!File.Exists(At(name))) return $"no {name}";
        using var file = File.OpenWrite(At(name));
        file.SetLength((long)(random.NextDouble() * file.Length));
        return $"{name} cut";
    }

    private string Flip(string name)
    {
        if (!File.Exists(At(name)) || new FileInfo(At(name)).Length == 0) return $"no {name}";
        using var file = new FileStream(At(name), FileMode.Open, FileAccess.ReadWrite);
        for (var i = 0; i < 64; i++)
        {
            file.Position = (long)(random.NextDouble() * file.Length);
            file.WriteByte((byte)random.Next(256));
        }

        return $"{name} overwritten in places";
    }

    private string Older(string name, bool withLog)
    {
        var from = Path.Combine(source.Copies[random.Next(copy + 1)], name);
        if (!File.Exists(from)) return $"no older {name}";
        File.Copy(from, At(name), overwrite: true);
        if (withLog)
        {
            foreach (var end in new[] { "-wal", "-shm" })
            {
                File.Delete(At(name + end));
                if (File.Exists(from + end)) File.Copy(from + end, At(name + end));
            }
        }

        return $"{name} of {Path.GetRelativePath(source.Copies[0], from)}{(withLog ? " with its log" : "")}";
    }

    private string OlderWithGeneration(string name)
    {
        var from = source.Copies[random.Next(copy + 1)];
        foreach (var file in new[] { name, $"{name}-wal", Path.ChangeExtension(name, ".generation") })
        {
            File.Delete(At(file));
            if (File.Exists(Path.Combine(from, file))) File.Copy(Path.Combine(from, file), At(file));
        }

        return $"{name} and its generation of {Path.GetFileName(from)}";
    }

    private string Stranger(string name)
    {
        File.Copy(Path.Combine(source.Stranger, name), At(name), overwrite: true);
        File.Delete(At($"{name}-wal"));
        return $"{name} of another data folder";
    }

    private string Swap()
    {
        var (one, other) = (Databases[random.Next(3)], Databases[random.Next(3)]);
        if (one == other || !File.Exists(At(one)) || !File.Exists(At(other))) return "nothing swapped";
        File.Move(At(one), At("swap"));
        File.Move(At(other), At(one));
        File.Move(At("swap"), At(other));
        return $"{one} and {other} swapped";
    }

    private string Any(string name, bool files)
    {
        var found = Directory.Exists(At(name)) && files ? Directory.GetFiles(At(name), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToList() : [];
        if (found.Count == 0) return $"nothing in {name}";
        var path = Path.GetRelativePath(data, found[random.Next(found.Count)]);
        return random.Next(3) switch
        {
            0 => Remove(path),
            1 => Truncate(path),
            _ => Flip(path),
        };
    }

    private string RemoveFolder(string name)
    {
        if (Directory.Exists(At(name))) Directory.Delete(At(name), recursive: true);
        return $"{name} removed";
    }

    private string RemoveAny(string name)
    {
        var found = Directory.Exists(At(name)) ? Directory.GetDirectories(At(name)).Order(StringComparer.Ordinal).ToList() : [];
        return found.Count == 0 ? $"nothing in {name}" : RemoveFolder(Path.GetRelativePath(data, found[random.Next(found.Count)]));
    }

    private string Plant()
    {
        var name = random.Next(5) switch
        {
            0 => Path.Combine("adapters", "versions", Convert.ToHexStringLower(Bytes(32)), "adapter_model.safetensors"),
            1 => Path.Combine("adapters", "incoming", "kept.zip"),
            2 => Path.Combine("files", $"file-{Convert.ToHexStringLower(Bytes(12))}"),
            3 => Path.Combine("files", "incoming", "kept.jsonl"),
            _ => Path.Combine("training", $"ftjob-{Convert.ToHexStringLower(Bytes(12))}", "run", "adapter.bin"),
        };
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllBytes(At(name), Bytes(100));
        return $"{name} put there";
    }

    private byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    private string At(string name) => Path.Combine(data, name);
}
