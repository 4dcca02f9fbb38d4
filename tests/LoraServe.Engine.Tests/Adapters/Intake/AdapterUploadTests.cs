using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Tests;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters.Intake;

public sealed class AdapterUploadTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Describe_FilesThatCame_ReadsThemNoSecondTime(bool isArchive)
    {
        var folder = GoldenData.Path("adapters", "llama-gqa", "attention-r4");
        using var upload = new AdapterUpload(_folder.Path, new AdapterLimits());
        if (isArchive)
        {
            using var archive = new MemoryStream();
            await ZipFile.CreateFromDirectoryAsync(folder, archive, TestContext.Current.CancellationToken);
            archive.Position = 0;
            await upload.ReadArchiveAsync(archive, CancellationToken.None);
        }
        else
        {
            foreach (var path in Directory.GetFiles(folder))
            {
                await using var file = File.OpenRead(path);
                await upload.ReadFileAsync(Path.GetFileName(path), file, CancellationToken.None);
            }
        }

        // What is read again would be found to be something else.
        foreach (var path in Directory.GetFiles(upload.Folder)) await File.WriteAllTextAsync(path, "other", TestContext.Current.CancellationToken);

        upload.Describe().Select(file => (file.Name, file.Bytes, file.Sha256)).ShouldBe(Directory.GetFiles(folder)
            .Where(path => AdapterFiles.IsKept(Path.GetFileName(path)))
            .Order(StringComparer.Ordinal)
            .Select(path => (Path.GetFileName(path), new FileInfo(path).Length, Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))))));
    }

    [Fact]
    public async Task ReadFileAsync_PeftFilesAndOthers_KeepsTheTwoAndMarksThePickle()
    {
        using (var upload = Upload())
        {
            await upload.ReadFileAsync(AdapterFiles.Config, Text("{}"), CancellationToken.None);
            await upload.ReadFileAsync(AdapterFiles.Tensors, Text("tensors"), CancellationToken.None);
            await upload.ReadFileAsync("README.md", Text("hello"), CancellationToken.None);
            await upload.ReadFileAsync("adapter_model.bin", Text("pickle"), CancellationToken.None);

            Contents(upload).ShouldBe(
                new Dictionary<string, string> { [AdapterFiles.Config] = "{}", [AdapterFiles.Tensors] = "tensors", ["adapter_model.bin"] = "" },
                ignoreOrder: true);
        }
        Left().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("../adapter_config.json")]
    [InlineData("a/adapter_config.json")]
    [InlineData("/adapter_config.json")]
    [InlineData("./adapter_config.json")]
    [InlineData("a\\adapter_config.json")]
    [InlineData("C:adapter_model.bin")]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("")]
    [InlineData("a\0.bin")]
    public async Task ReadFileAsync_NameWithAFolder_IsMalformed(string name)
    {
        using var upload = Upload();

        await Refused(AdapterFault.Malformed, () => upload.ReadFileAsync(name, Text("{}"), CancellationToken.None));
    }

    [Fact]
    public async Task ReadFileAsync_SameFileTwice_IsMalformed()
    {
        using var upload = Upload();
        await upload.ReadFileAsync(AdapterFiles.Config, Text("{}"), CancellationToken.None);

        await Refused(AdapterFault.Malformed, () => upload.ReadFileAsync(AdapterFiles.Config, Text("{}"), CancellationToken.None));
    }

    [Fact]
    public async Task ReadArchiveAsync_AfterAnotherArchive_IsMalformed()
    {
        using var upload = Upload();
        await upload.ReadArchiveAsync(Zip((AdapterFiles.Config, "{}")), CancellationToken.None);

        await Refused(AdapterFault.Malformed, () => upload.ReadArchiveAsync(Zip((AdapterFiles.Config, "{}")), CancellationToken.None));
    }

    [Fact]
    public async Task ReadArchiveAsync_AfterAFile_IsMalformed()
    {
        using var upload = Upload();
        await upload.ReadFileAsync("README.md", Text(""), CancellationToken.None);

        await Refused(AdapterFault.Malformed, () => upload.ReadArchiveAsync(Zip((AdapterFiles.Config, "{}")), CancellationToken.None));
    }

    [Fact]
    public async Task ReadFileAsync_AfterAnArchive_IsMalformed()
    {
        using var upload = Upload();
        await upload.ReadArchiveAsync(Zip((AdapterFiles.Config, "{}")), CancellationToken.None);

        await Refused(AdapterFault.Malformed, () => upload.ReadFileAsync("README.md", Text(""), CancellationToken.None));
    }

    public static TheoryData<string, AdapterLimits> FileLimits() => new()
    {
        { AdapterFiles.Tensors, new AdapterLimits { MaxFileBytes = 9 } },
        { AdapterFiles.Tensors, new AdapterLimits { MaxExpandedBytes = 9 } },
        { AdapterFiles.Config, new AdapterLimits { MaxConfigBytes = 9 } },
        { "README.md", new AdapterLimits { MaxEntries = 0 } },
        { "README.md", new AdapterLimits { MaxPathLength = 8 } },
    };

    [Theory]
    [MemberData(nameof(FileLimits))]
    public async Task ReadFileAsync_PastALimit_IsTooLarge(string name, AdapterLimits limits)
    {
        using var upload = Upload(limits);

        await Refused(AdapterFault.TooLarge, () => upload.ReadFileAsync(name, Text("0123456789"), CancellationToken.None));
    }

    public static TheoryData<AdapterLimits> ArchiveLimits() => new()
    {
        new AdapterLimits { MaxArchiveBytes = 100 },
        new AdapterLimits { MaxFileBytes = 100_000 },
        new AdapterLimits { MaxConfigBytes = 1 },
        new AdapterLimits { MaxExpandedBytes = 100_000 },
        new AdapterLimits { MaxExpansion = 10, FreeExpansionBytes = 100_000 },
        new AdapterLimits { MaxEntries = 1 },
        new AdapterLimits { MaxPathLength = 22 },
    };

    [Theory]
    [MemberData(nameof(ArchiveLimits))]
    public async Task ReadArchiveAsync_ZipPastALimit_IsTooLarge(AdapterLimits limits)
    {
        using var upload = Upload(limits);

        await Refused(AdapterFault.TooLarge, () => upload.ReadArchiveAsync(
            Zip((AdapterFiles.Config, "{}"), (AdapterFiles.Tensors, new string('0', 200_000))), CancellationToken.None));
    }

    [Theory]
    [MemberData(nameof(ArchiveLimits))]
    public async Task ReadArchiveAsync_TarGzPastALimit_IsTooLarge(AdapterLimits limits)
    {
        using var upload = Upload(limits);

        await Refused(AdapterFault.TooLarge, () => upload.ReadArchiveAsync(
            TarGz((AdapterFiles.Config, "{}"), (AdapterFiles.Tensors, new string('0', 200_000))), CancellationToken.None));
    }

    [Fact]
    public async Task ReadArchiveAsync_IgnoredFileOfTarGzIsABomb_IsTooLarge()
    {
        using var upload = Upload();

        await Refused(AdapterFault.TooLarge, () => upload.ReadArchiveAsync(
            TarGz((AdapterFiles.Config, "{}"), ("README.md", new string('0', 40_000_000))), CancellationToken.None));
    }

    [Fact]
    public async Task ReadArchiveAsync_DirectoryOfAHundredThousandEntries_IsTooLarge()
    {
        using var upload = Upload(new AdapterLimits { MaxEntries = 10 });
        var files = Enumerable.Range(0, 100_000).Select(i => ($"{i}", "")).ToArray();

        var error = await Refused(AdapterFault.TooLarge, () => upload.ReadArchiveAsync(Zip(files), CancellationToken.None));

        error.Message.ShouldContain("directory");
    }

    [Fact]
    public async Task ReadArchiveAsync_TarHeaderOfManyMegabytes_IsTooLarge()
    {
        using var upload = Upload();
        var tar = new MemoryStream();
        await using (var writer = new TarWriter(tar, TarEntryFormat.Pax, leaveOpen: true))
        {
            var attributes = new Dictionary<string, string> { ["comment"] = new string('0', 8_000_000) };
            await writer.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, AdapterFiles.Config, attributes));
        }
        tar.Position = 0;

        await Refused(AdapterFault.TooLarge, () => upload.ReadArchiveAsync(tar, CancellationToken.None));
    }

    [Theory]
    [InlineData("a\\adapter_config.json")]
    [InlineData("C:/adapter_config.json")]
    [InlineData("a/../adapter_config.json")]
    [InlineData("a/..")]
    [InlineData("README\n.md")]
    [InlineData("./adapter_config.json")]
    public async Task ReadArchiveAsync_HostileOrDuplicatePath_IsMalformed(string path)
    {
        using var zipped = Upload();
        using var tarred = Upload();

        await Should.ThrowAsync<InvalidAdapterException>(
            () => zipped.ReadArchiveAsync(Zip((AdapterFiles.Config, "{}"), (path, "{}")), CancellationToken.None));
        await Refused(AdapterFault.Malformed,
            () => tarred.ReadArchiveAsync(TarGz((AdapterFiles.Config, "{}"), (path, "{}")), CancellationToken.None));
    }

    [Fact]
    public async Task ReadArchiveAsync_ManyFaults_ListsThemAll()
    {
        using var upload = Upload();

        var error = await Refused(AdapterFault.Malformed,
            () => upload.ReadArchiveAsync(Zip(("../a", ""), ("/b", ""), (AdapterFiles.Config, "{}")), CancellationToken.None));

        error.Faults.ShouldBe(["../a leaves the archive's folder by '..'", "/b has an absolute path"]);
    }

    [Fact]
    public async Task ReadArchiveAsync_SymbolicLinkInZip_IsMalformed()
    {
        using var upload = Upload();
        var zip = new MemoryStream();
        using (var archive = new ZipArchive(zip, ZipArchiveMode.Create, leaveOpen: true))
            archive.CreateEntry(AdapterFiles.Tensors).ExternalAttributes = 0xA1FF << 16;
        zip.Position = 0;

        var error = await Refused(AdapterFault.Malformed, () => upload.ReadArchiveAsync(zip, CancellationToken.None));

        error.Message.ShouldContain("link");
    }

    [Fact]
    public async Task ReadArchiveAsync_EncryptedZip_IsMalformed()
    {
        using var upload = Upload();
        var zip = Zip((AdapterFiles.Config, "{}")).ToArray();
        // The general purpose flags follow the signature and two versions in the directory's header.
        zip[zip.AsSpan().IndexOf("PK\x1\x2"u8) + 8] |= 1;

        var error = await Refused(AdapterFault.Malformed, () => upload.ReadArchiveAsync(new MemoryStream(zip), CancellationToken.None));

        error.Message.ShouldContain("encrypted");
    }

    [Fact]
    public async Task ReadArchiveAsync_OneByteOfAStoredFileFlipped_IsMalformed()
    {
        using var upload = Upload();
        var zip = new MemoryStream();
        using (var archive = new ZipArchive(zip, ZipArchiveMode.Create, leaveOpen: true))
        {
            await using var content = await archive.CreateEntry(AdapterFiles.Tensors, CompressionLevel.NoCompression).OpenAsync();
            await content.WriteAsync("weights"u8.ToArray());
        }
        var bytes = zip.ToArray();
        bytes[bytes.AsSpan().IndexOf("weights"u8)] ^= 1;

        await Refused(AdapterFault.Malformed, () => upload.ReadArchiveAsync(new MemoryStream(bytes), CancellationToken.None));
    }

    [Fact]
    public async Task ReadArchiveAsync_FolderWithCheckpointNoiseAndDotPaths_TakesTheAdapter()
    {
        using var upload = Upload();

        await upload.ReadArchiveAsync(
            TarGz(("./out/run/adapter_config.json", "{}"), ("./out/run/adapter_model.safetensors", "tensors"), ("./out/run/optimizer.pt", "state"),
                ("./out/notes.txt", "hello"), ("./._adapter_config.json", "resource fork")),
            CancellationToken.None);

        Contents(upload).ShouldBe(
            new Dictionary<string, string> { [AdapterFiles.Config] = "{}", [AdapterFiles.Tensors] = "tensors", ["optimizer.pt"] = "" },
            ignoreOrder: true);
    }

    [Fact]
    public async Task ReadArchiveAsync_WithoutConfiguration_KeepsWhatThereIsForValidation()
    {
        using var upload = Upload();

        await upload.ReadArchiveAsync(Zip(("a/adapter_model.bin", "pickle")), CancellationToken.None);

        Contents(upload).ShouldBe(new Dictionary<string, string> { ["adapter_model.bin"] = "" });
    }

    [Fact]
    public async Task ReadArchiveAsync_BodyBreaksOff_LeavesNothing()
    {
        using var upload = Upload();

        await Should.ThrowAsync<IOException>(() => upload.ReadArchiveAsync(new BrokenStream(), CancellationToken.None));

        Left().ShouldBeEmpty();
    }

    [Fact]
    public async Task ReadFileAsync_BodyBreaksOff_LeavesNothing()
    {
        using var upload = Upload();

        await Should.ThrowAsync<IOException>(() => upload.ReadFileAsync(AdapterFiles.Tensors, new BrokenStream(), CancellationToken.None));

        Left().ShouldBeEmpty();
    }

    [Fact]
    public async Task ReadArchiveAsync_CancelledWhileUnpacking_LeavesNothing()
    {
        using var upload = Upload();
        using var cancellation = new CancellationTokenSource();
        var body = new CancellingStream(TarGz((AdapterFiles.Config, "{}"), (AdapterFiles.Tensors, "tensors")), cancellation);

        await Should.ThrowAsync<OperationCanceledException>(() => upload.ReadArchiveAsync(body, cancellation.Token));

        Left().ShouldBeEmpty();
        await Should.ThrowAsync<ObjectDisposedException>(() => upload.ReadArchiveAsync(Text(""), CancellationToken.None));
    }

    [Property(MaxTest = 300)]
    public Property ReadArchiveAsync_MutatedArchive_IsUnpackedOrRefusedAndLeavesNothing()
    {
        var archives = Directory.GetFiles(GoldenData.Path("archives"), "good*").Select(File.ReadAllBytes).ToArray();
        // The ends of an archive hold its structure: most of the mutations go there.
        var mutations = from place in Gen.OneOf(Gen.Choose(0, 1_000_000), Gen.Choose(0, 600), Gen.Choose(-400, -1))
                        from value in Gen.Choose(0, 255)
                        select (place, value);
        var cases = from archive in Gen.Elements(archives)
                    from changes in Gen.ListOf(mutations)
                    from cut in Gen.Choose(0, 4)
                    select (archive, changes, cut);
        return Prop.ForAll(cases.ToArbitrary(), drawn =>
        {
            var (archive, changes, cut) = drawn;
            var bytes = archive.ToArray();
            foreach (var (place, value) in changes)
                bytes[((place % bytes.Length) + bytes.Length) % bytes.Length] = (byte)value;
            if (cut == 0)
                bytes = bytes[..^(bytes.Length / 3)];

            using (var upload = Upload())
            {
                try
                {
                    upload.ReadArchiveAsync(new MemoryStream(bytes), CancellationToken.None).GetAwaiter().GetResult();
                }
                catch (InvalidAdapterException)
                {
                    Left().ShouldBeEmpty();
                }
            }
            Left().ShouldBeEmpty();
        });
    }

    private AdapterUpload Upload(AdapterLimits? limits = null) => new(_folder.Path, limits ?? new AdapterLimits());

    private string[] Left() => Directory.GetFileSystemEntries(_folder.Path);

    private async Task<InvalidAdapterException> Refused(AdapterFault kind, Func<Task> read)
    {
        var error = await Should.ThrowAsync<InvalidAdapterException>(read);
        error.Kind.ShouldBe(kind, error.Message);
        Left().ShouldBeEmpty();
        return error;
    }

    private static Dictionary<string, string> Contents(AdapterUpload upload) =>
        Directory.GetFiles(upload.Folder).ToDictionary(file => Path.GetFileName(file), File.ReadAllText);

    private static MemoryStream Text(string text) => new(Encoding.UTF8.GetBytes(text));

    private static MemoryStream Zip(params (string Path, string Content)[] files)
    {
        var zip = new MemoryStream();
        using (var archive = new ZipArchive(zip, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (path, content) in files)
            {
                using var entry = archive.CreateEntry(path).Open();
                entry.Write(Encoding.UTF8.GetBytes(content));
            }
        }
        zip.Position = 0;
        return zip;
    }

    private static MemoryStream TarGz(params (string Path, string Content)[] files)
    {
        var tar = new MemoryStream();
        using (var gzip = new GZipStream(tar, CompressionMode.Compress, leaveOpen: true))
        using (var writer = new TarWriter(gzip))
        {
            foreach (var (path, content) in files)
                writer.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, path) { DataStream = Text(content) });
        }
        tar.Position = 0;
        return tar;
    }

    private sealed class BrokenStream() : MemoryStream(new byte[100])
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = await base.ReadAsync(buffer, cancellationToken);
            return read > 0 ? read : throw new IOException("The client went away.");
        }
    }

    private sealed class CancellingStream(MemoryStream body, CancellationTokenSource cancellation) : MemoryStream(body.ToArray())
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = await base.ReadAsync(buffer, CancellationToken.None);
            if (read == 0)
                await cancellation.CancelAsync();
            return read;
        }
    }
}
