#nullable enable

using System;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.Build.Framework;

namespace LoraServe.Build;

/// <summary>
/// Build task: makes a complete staging folder of native libraries the shared one in a single rename, so that builds that run at the
/// same time never see half a folder.
/// </summary>
public sealed class InstallNativeLibraries : Microsoft.Build.Utilities.Task
{
    private const string NewestVersion = "GLIBCXX_3.4.32";

    /// <summary>Folder with libtorch and TorchSharp's native library; the task moves or deletes it.</summary>
    [Required]
    public string Staging { get; set; } = "";

    /// <summary>The shared folder; replaced when it exists.</summary>
    [Required]
    public string Folder { get; set; } = "";

    /// <summary>File inside <see cref="Folder"/> whose date says when it was installed.</summary>
    [Required]
    public string Stamp { get; set; } = "";

    public override bool Execute()
    {
        try
        {
            var library = Path.Combine(Staging, "libLibTorchSharp.so");
            if (File.Exists(library) && !SystemProvides(NewestVersion))
            {
                var image = File.ReadAllBytes(library);
                ElfVersionNeeds.MakeOptional(image, NewestVersion, "_ZSt21ios_base_library_initv");
                File.WriteAllBytes(library, image);
                Log.LogMessage(MessageImportance.Normal, $"libLibTorchSharp.so: made {NewestVersion} optional, this system's libstdc++ is older.");
            }

            File.WriteAllText(Path.Combine(Staging, Path.GetFileName(Stamp)), "");
            Replace();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            Log.LogError(
                $"The native libraries cannot be installed in {Folder}: {e.Message} TorchSharp needs a libstdc++.so.6 with {NewestVersion} " +
                "(GCC 13 or newer): Debian 13, Ubuntu 24.04 and the .NET 10 container images have it.");
        }
        finally
        {
            if (Directory.Exists(Staging)) Directory.Delete(Staging, recursive: true);
        }

        return !Log.HasLoggedErrors;
    }

    private void Replace()
    {
        if (Directory.Exists(Folder)) Directory.Delete(Folder, recursive: true);
        try
        {
            Directory.Move(Staging, Folder);
        }
        catch (IOException) when (File.Exists(Stamp))
        {
            // Another build installed the same files between the two calls.
        }
    }

    // The .NET runtime is linked against libstdc++ itself: the library this process runs on is the one the engine will meet.
    private static bool SystemProvides(string version)
    {
        const string Maps = "/proc/self/maps";
        if (!File.Exists(Maps)) return false;
        var path = File.ReadLines(Maps)
            .Select(line => line.IndexOf('/') is var start && start >= 0 ? line.Substring(start) : "")
            .FirstOrDefault(file => Path.GetFileName(file).StartsWith("libstdc++.so.6", StringComparison.Ordinal));
        return path is not null && File.Exists(path)
            && Encoding.GetEncoding("ISO-8859-1").GetString(File.ReadAllBytes(path)).Contains(version + "\0");
    }
}

/// <summary>The symbol versions a 64-bit little-endian ELF library asks of other libraries (.gnu.version_r, .gnu.version).</summary>
internal static class ElfVersionNeeds
{
    private const int DynamicSymbols = 11;
    private const int VersionNeeds = 0x6ffffffe;
    private const int SymbolVersions = 0x6fffffff;
    private const ushort Weak = 2;

    /// <summary>
    /// Marks a version that the library needs as weak, so that the loader accepts a system without it. The only symbol that may carry
    /// the version is <paramref name="marker"/>: the compiler emits it to demand the newer library and nothing ever calls it.
    /// </summary>
    /// <exception cref="InvalidDataException">The image is not such a library, or needs more than the marker from that version.</exception>
    public static void MakeOptional(byte[] image, string version, string marker)
    {
        if (image.Length < 64 || ReadUInt32(image, 0) != 0x464c457f || image[4] != 2 || image[5] != 1)
            throw new InvalidDataException("Not a 64-bit little-endian ELF library.");

        var needs = Section.Find(image, VersionNeeds);
        var names = needs.Linked(image);
        var index = MarkWeak(image, needs, names, version);

        var symbols = Section.Find(image, DynamicSymbols);
        var symbolNames = symbols.Linked(image);
        var versions = Section.Find(image, SymbolVersions);
        for (long symbol = 0; symbol < versions.Size / 2; symbol++)
        {
            if ((ReadUInt16(image, versions.Offset + 2 * symbol) & 0x7fff) != index) continue;
            var name = symbolNames.Text(image, ReadUInt32(image, symbols.At(24 * symbol, 24)));
            if (name != marker) throw new InvalidDataException($"The library needs {name} of {version}.");
        }
    }

    // Returns the index by which .gnu.version names the version.
    private static int MarkWeak(byte[] image, Section needs, Section names, string version)
    {
        long library = 0, libraryStep;
        do
        {
            var count = ReadUInt16(image, needs.At(library + 2, 2));
            libraryStep = ReadUInt32(image, needs.At(library + 12, 4));
            var entry = library + ReadUInt32(image, needs.At(library + 8, 4));
            for (var i = 0; i < count; i++)
            {
                var at = needs.At(entry, 16);
                if (names.Text(image, ReadUInt32(image, at + 8)) == version)
                {
                    BitConverter.GetBytes((ushort)(ReadUInt16(image, at + 4) | Weak)).CopyTo(image, at + 4);
                    return ReadUInt16(image, at + 6);
                }

                entry += ReadUInt32(image, at + 12);
            }

            library += libraryStep;
        }
        while (libraryStep != 0);

        throw new InvalidDataException($"The library does not ask for {version}.");
    }

    private static ushort ReadUInt16(byte[] image, long offset) => BitConverter.ToUInt16(image, (int)offset);

    private static uint ReadUInt32(byte[] image, long offset) => BitConverter.ToUInt32(image, (int)offset);

    private readonly struct Section
    {
        private const int HeaderSize = 64;

        private readonly uint _link;

        private Section(byte[] image, long header)
        {
            var offset = BitConverter.ToUInt64(image, (int)header + 24);
            var size = BitConverter.ToUInt64(image, (int)header + 32);
            if (offset > (ulong)image.Length || size > (ulong)image.Length - offset)
                throw new InvalidDataException("A section lies outside the ELF file.");
            Offset = (long)offset;
            Size = (long)size;
            _link = ReadUInt32(image, header + 40);
        }

        public long Offset { get; }

        public long Size { get; }

        public static Section Find(byte[] image, int type)
        {
            for (uint i = 0; i < ReadUInt16(image, 60); i++)
            {
                if (ReadUInt32(image, Header(image, i) + 4) == type) return new Section(image, Header(image, i));
            }

            throw new InvalidDataException($"The ELF file has no section of type 0x{type:x}.");
        }

        public Section Linked(byte[] image) => new(image, Header(image, _link));

        /// <summary>Position in the file of <paramref name="length"/> bytes of this section.</summary>
        public long At(long start, long length) =>
            start >= 0 && start <= Size - length ? Offset + start : throw new InvalidDataException("An ELF table entry lies outside its section.");

        public string Text(byte[] image, uint start)
        {
            var first = (int)At(start, 1);
            var end = Array.IndexOf(image, (byte)0, first, (int)(Offset + Size) - first);
            return end < 0 ? throw new InvalidDataException("An ELF name does not end.") : Encoding.ASCII.GetString(image, first, end - first);
        }

        private static long Header(byte[] image, uint index)
        {
            var start = BitConverter.ToUInt64(image, 40);
            var length = (ulong)image.Length;
            if (index >= ReadUInt16(image, 60) || ReadUInt16(image, 58) != HeaderSize
                || start > length || length - start < HeaderSize * ((ulong)index + 1))
                throw new InvalidDataException("The section headers lie outside the ELF file.");
            return (long)start + HeaderSize * (long)index;
        }
    }
}
