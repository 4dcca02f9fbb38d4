using System.Security.Cryptography;
using System.Text;
using LoraServe.Engine.Adapters;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters;

public sealed class AdapterStoreTests : IDisposable
{
    private static readonly DateTimeOffset Created = new(2026, 3, 5, 14, 7, 9, TimeSpan.Zero);

    private readonly TemporaryFolder _data = new();

    public void Dispose() => _data.Dispose();

    [Fact]
    public void Open_AfterRestart_KeepsNamesAndFiles()
    {
        using (var store = Open())
        {
            Put(store, "summarize", "first");
            Put(store, "Summarize", "second");
        }

        using var restarted = Open();

        restarted.Names.ShouldBe(
            [new StoredName("Summarize", Version("second"), Created), new StoredName("summarize", Version("first"), Created)]);
        Tensors(restarted, "first").ShouldBe("first");
        Tensors(restarted, "second").ShouldBe("second");
        Incoming().ShouldBeEmpty();
    }

    [Fact]
    public void Put_NameOfAnotherVersion_MovesItAndKeepsTheOldVersion()
    {
        using var store = Open();
        Put(store, "summarize", "first");

        Put(store, "summarize", "second");

        store.Find("summarize")!.Version.ShouldBe(Version("second"));
        Tensors(store, "first").ShouldBe("first");
    }

    [Fact]
    public void Put_SameVersionFromManyThreads_StoresItOnceUnderAllNames()
    {
        using var store = Open();

        Parallel.For(0, 16, i => Put(store, $"name-{i}", "same"));

        store.Names.Count.ShouldBe(16);
        Tensors(store, "same").ShouldBe("same");
        Directory.GetDirectories(Folder("versions")).Length.ShouldBe(1);
        Incoming().ShouldBeEmpty();
    }

    [Fact]
    public void Put_UploadWithoutTensors_LeavesTheOldState()
    {
        using var store = Open();
        Put(store, "summarize", "first");
        using (var upload = store.BeginUpload())
        {
            File.WriteAllText(Path.Combine(upload.Folder, AdapterFiles.Config), "{}");

            Should.Throw<IOException>(() => store.Put("summarize", Version("second"), upload.Folder, Created));
        }

        store.Find("summarize")!.Version.ShouldBe(Version("first"));
        Directory.Exists(store.FolderOf(Version("second"))).ShouldBeFalse();
        Incoming().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("../a")]
    [InlineData("a/b")]
    [InlineData("a..b")]
    [InlineData("a\0")]
    [InlineData("-a")]
    public void Put_NameAgainstTheRule_Throws(string name)
    {
        using var store = Open();

        Should.Throw<ArgumentException>(() => Put(store, name, "content"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789")]
    [InlineData("abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789\n")]
    public void FolderOf_NotAVersion_Throws(string version)
    {
        using var store = Open();

        Should.Throw<ArgumentException>(() => store.FolderOf(version));
    }

    [Fact]
    public void RemoveName_Restart_StaysRemoved()
    {
        using (var store = Open())
        {
            Put(store, "summarize", "first");
            store.RemoveName("summarize").ShouldBeTrue();
            store.RemoveName("summarize").ShouldBeFalse();
            Tensors(store, "first").ShouldBe("first");
        }

        using var restarted = Open();

        restarted.Names.ShouldBeEmpty();
    }

    [Fact]
    public void DeleteVersion_NamedOrNot_DeletesOnlyWithoutAName()
    {
        using var store = Open();
        Put(store, "summarize", "first");

        store.DeleteVersion(Version("first")).ShouldBeFalse();
        store.RemoveName("summarize");
        store.DeleteVersion(Version("first")).ShouldBeTrue();
        store.DeleteVersion(Version("first")).ShouldBeFalse();

        Directory.Exists(store.FolderOf(Version("first"))).ShouldBeFalse();
        Incoming().ShouldBeEmpty();
    }

    [Fact]
    public void Open_LeftoversOfAKilledProcess_AreSwept()
    {
        using (var store = Open())
            Put(store, "summarize", "first");
        // Killed during an upload, while deleting a version, and between storing a version and naming it.
        Directory.CreateDirectory(Path.Combine(Folder("incoming"), "upload", "version"));
        File.WriteAllText(Path.Combine(Folder("incoming"), "upload", "version", AdapterFiles.Config), "{");
        File.WriteAllText(Path.Combine(Folder("incoming"), "upload.archive"), "PK");
        Directory.CreateDirectory(Path.Combine(Folder("versions"), Version("never named")));

        using var restarted = Open();

        restarted.Names.Select(stored => stored.Name).ShouldBe(["summarize"]);
        Incoming().ShouldBeEmpty();
        Directory.GetDirectories(Folder("versions")).ShouldBe([restarted.FolderOf(Version("first"))]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"name\":\"summarize\"}")]
    [InlineData("{\"name\":null,\"version\":null,\"created\":null}")]
    [InlineData("{\"name\":\"summarize\",\"version\":\"../../x\",\"created\":\"2026-03-05T14:07:09+00:00\"}")]
    public void Open_BrokenNameFile_IsSkippedAndKeepsItsVersion(string content)
    {
        using (var store = Open())
        {
            Put(store, "summarize", "first");
            File.WriteAllText(Directory.GetFiles(Folder("names")).Single(), content);
            Put(store, "translate", "second");
        }

        using var restarted = Open();

        restarted.Names.Select(stored => stored.Name).ShouldBe(["translate"]);
        Tensors(restarted, "first").ShouldBe("first");
    }

    [Fact]
    public void Open_VersionIsMissing_SkipsTheName()
    {
        using (var store = Open())
        {
            Put(store, "summarize", "first");
            Directory.Delete(store.FolderOf(Version("first")), recursive: true);
        }

        using var restarted = Open();

        restarted.Names.ShouldBeEmpty();
    }

    [Fact]
    public void Open_FolderInUse_Throws()
    {
        using var store = Open();

        Should.Throw<IOException>(Open);
    }

    private AdapterStore Open() => AdapterStore.Open(_data.Path, new AdapterLimits(), NullLogger.Instance);

    private static void Put(AdapterStore store, string name, string content)
    {
        using var upload = store.BeginUpload();
        File.WriteAllText(Path.Combine(upload.Folder, AdapterFiles.Config), "{}");
        File.WriteAllText(Path.Combine(upload.Folder, AdapterFiles.Tensors), content);
        store.Put(name, Version(content), upload.Folder, Created);
    }

    private static string Version(string content) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)));

    private static string Tensors(AdapterStore store, string content) =>
        File.ReadAllText(Path.Combine(store.FolderOf(Version(content)), AdapterFiles.Tensors));

    private string Folder(string name) => Path.Combine(_data.Path, "adapters", name);

    private string[] Incoming() => Directory.GetFileSystemEntries(Folder("incoming"));
}
