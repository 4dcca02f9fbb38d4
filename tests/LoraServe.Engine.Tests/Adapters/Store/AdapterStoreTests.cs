using System.Security.Cryptography;
using System.Text;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Engine.Storage;
using LoraServe.Tests;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters.Store;

public sealed class AdapterStoreTests : IDisposable
{
    private readonly TemporaryFolder _data = new();

    public void Dispose() => _data.Dispose();

    [Fact]
    public void Open_AfterRestart_KeepsFiles()
    {
        using (var store = Open())
            Put(store, "first");

        using var restarted = Open();

        restarted.Versions.Select(version => version.Value).ShouldBe([Version("first")]);
        Tensors(restarted, "first").ShouldBe("first");
        Incoming().ShouldBeEmpty();
    }

    [Fact]
    public void Put_SameVersionFromManyThreads_StoresItOnce()
    {
        using var store = Open();

        Parallel.For(0, 16, _ => Put(store, "same"));

        Tensors(store, "same").ShouldBe("same");
        Directory.GetDirectories(Folder("versions")).Length.ShouldBe(1);
        Incoming().ShouldBeEmpty();
    }

    [Fact]
    public void Put_VersionWithDamagedFiles_MendsThem()
    {
        using var store = Open();
        Put(store, "first");
        File.WriteAllText(Path.Combine(store.FolderOf(new AdapterVersionId(Version("first"))), AdapterFiles.Tensors), "damaged");
        File.Delete(Path.Combine(store.FolderOf(new AdapterVersionId(Version("first"))), AdapterFiles.Config));

        Put(store, "first");

        Tensors(store, "first").ShouldBe("first");
        File.Exists(Path.Combine(store.FolderOf(new AdapterVersionId(Version("first"))), AdapterFiles.Config)).ShouldBeTrue();
    }

    [Fact]
    public void Put_UploadWithoutTensors_StoresNothing()
    {
        using var store = Open();
        using (var upload = new AdapterUpload(store.IncomingFolder, new AdapterLimits()))
        {
            File.WriteAllText(Path.Combine(upload.Folder, AdapterFiles.Config), "{}");

            Should.Throw<IOException>(() => store.Put(StagedVersion.Of(new AdapterVersionId(Version("second")), upload.Folder)));
        }

        Directory.Exists(store.FolderOf(new AdapterVersionId(Version("second")))).ShouldBeFalse();
        Incoming().ShouldBeEmpty();
    }

    [Fact]
    public void Describe_TheSameAgain_WritesNothing()
    {
        using var store = Open();
        using var upload = new AdapterUpload(store.IncomingFolder, new AdapterLimits());
        File.WriteAllText(Path.Combine(upload.Folder, AdapterFiles.Config), "{}");
        File.WriteAllText(Path.Combine(upload.Folder, AdapterFiles.Tensors), "first");
        var staged = StagedVersion.Of(new AdapterVersionId(Version("first")), upload.Folder);
        staged.Describe(Description("first", generation: 1));
        var path = Path.Combine(staged.Folder, VersionFile.FileName);
        File.Delete(path);

        staged.Describe(Description("first", generation: 1));
        File.Exists(path).ShouldBeFalse();

        staged.Describe(Description("first", generation: 2));
        VersionFile.TryRead(staged.Folder)!.Generation.ShouldBe(2);
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789")]
    [InlineData("abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789\n")]
    public void FolderOf_NotAVersion_Throws(string version)
    {
        using var store = Open();

        Should.Throw<ArgumentException>(() => store.FolderOf(new AdapterVersionId(version)));
    }

    [Fact]
    public void Delete_ThereOrNot_LeavesNothing()
    {
        using var store = Open();
        Put(store, "first");

        store.Delete(new AdapterVersionId(Version("first")));
        store.Delete(new AdapterVersionId(Version("first")));

        Directory.Exists(store.FolderOf(new AdapterVersionId(Version("first")))).ShouldBeFalse();
        Incoming().ShouldBeEmpty();
    }

    [Fact]
    public void Open_LeftoversOfAKilledUpload_AreSwept()
    {
        using (var store = Open())
            Put(store, "first");
        Directory.CreateDirectory(Path.Combine(Folder("incoming"), "upload", "version"));
        File.WriteAllText(Path.Combine(Folder("incoming"), "upload", "version", AdapterFiles.Config), "{");
        File.WriteAllText(Path.Combine(Folder("incoming"), "upload.archive"), "PK");

        using var restarted = Open();

        Incoming().ShouldBeEmpty();
        restarted.Versions.Select(version => version.Value).ShouldBe([Version("first")]);
    }

    [Fact]
    public void Open_StrangersFileAmongUploads_GoesIntoTheTrash()
    {
        using (Open()) File.WriteAllText(Path.Combine(Folder("incoming"), "adapter_model.safetensors"), "not ours");

        using var restarted = Open();

        Incoming().ShouldBeEmpty();
        File.ReadAllText(Trash().ShouldHaveSingleItem()).ShouldBe("not ours");
    }

    [Fact]
    public void Sweep_VersionsThatNobodyWants_GoIntoTheTrash()
    {
        using var store = Open();
        Put(store, "wanted");
        Put(store, "never named");

        store.Sweep(new HashSet<AdapterVersionId> { new(Version("wanted")) });

        store.Versions.Select(version => version.Value).ShouldBe([Version("wanted")]);
        var kept = Trash().ShouldHaveSingleItem();
        kept.ShouldEndWith($"adapters-versions-{Version("never named")}");
        File.ReadAllText(Path.Combine(kept, AdapterFiles.Tensors)).ShouldBe("never named");
    }

    [Fact]
    public void Open_FolderInUse_Throws()
    {
        using var store = Open();

        Should.Throw<IOException>(Open);
    }

    private AdapterStore Open() => AdapterStore.Open(
        _data.Path, new Trash(_data.Path, TimeProvider.System, NullLogger.Instance), NullLogger.Instance);

    private static void Put(AdapterStore store, string content)
    {
        using var upload = new AdapterUpload(store.IncomingFolder, new AdapterLimits());
        File.WriteAllText(Path.Combine(upload.Folder, AdapterFiles.Config), "{}");
        File.WriteAllText(Path.Combine(upload.Folder, AdapterFiles.Tensors), content);
        store.Put(StagedVersion.Of(new AdapterVersionId(Version(content)), upload.Folder));
    }

    private static VersionFile Description(string content, long generation) => new()
    {
        Version = Version(content),
        Name = "a",
        Known = new KnownVersion { Description = Descriptions.Of(Version(content)), CheckedAgainst = "", Created = DateTimeOffset.UnixEpoch },
        Generation = generation,
    };

    private static string Version(string content) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)));

    private static string Tensors(AdapterStore store, string content) =>
        File.ReadAllText(Path.Combine(store.FolderOf(new AdapterVersionId(Version(content))), AdapterFiles.Tensors));

    private string Folder(string name) => Path.Combine(_data.Path, "adapters", name);

    private string[] Trash() => Directory.GetFileSystemEntries(Path.Combine(_data.Path, "trash"));

    private string[] Incoming() => Directory.GetFileSystemEntries(Folder("incoming"));
}
