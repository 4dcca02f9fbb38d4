using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Tests;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters;

/// <summary>Adapters that are taken away, and brought back.</summary>
public sealed class AdapterExportTests : IDisposable
{
    private readonly ManagedAdapters _adapters = new();

    public static TheoryData<string> All { get; } = [.. Directory.GetDirectories(GoldenData.Path("adapters", "llama-gqa")).Select(folder => Path.GetFileName(folder))];

    public void Dispose() => _adapters.Dispose();

    [Theory]
    [MemberData(nameof(All))]
    public async Task Export_AnyAdapter_UploadedAgainIsTheSameVersion(string adapter)
    {
        var version = (await _adapters.Add("a", adapter)).Version;

        foreach (var format in Enum.GetValues<ArchiveFormat>())
            (await UploadAsync("again", await ArchiveAsync("a", format))).Version.ShouldBe(version);
    }

    [Fact]
    public async Task Export_TheSameTwice_GivesTheSameBytes()
    {
        await _adapters.Add("a", ManagedAdapters.One);

        foreach (var format in Enum.GetValues<ArchiveFormat>())
        {
            var first = await ArchiveAsync("a", format);
            foreach (var file in Directory.GetFiles(Path.GetDirectoryName(_adapters.TensorFile(_adapters.Manager.Find("a")!.Version.Value))!))
                File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddDays(-3));
            (await ArchiveAsync("a", format)).ShouldBe(first);
        }
    }

    [Fact]
    public async Task Export_ChatTemplate_ComesAlong()
    {
        using var upload = _adapters.Manager.BeginUpload();
        await upload.ReadFileAsync("chat_template.jinja", new MemoryStream("own"u8.ToArray()), CancellationToken.None);
        foreach (var file in Directory.GetFiles(GoldenData.Path("adapters", "llama-gqa", ManagedAdapters.One)))
        {
            await using var stream = File.OpenRead(file);
            await upload.ReadFileAsync(Path.GetFileName(file), stream, CancellationToken.None);
        }

        var version = (await _adapters.Manager.AddAsync("a", upload, new AddOptions(), CancellationToken.None)).Version;
        _adapters.Manager.SaveMix("half", [new AdapterPart("a", 0.5)]);

        (await UploadAsync("again", await ArchiveAsync("a", ArchiveFormat.TarGz))).Version.ShouldBe(version);
        (await UploadAsync("mixed", await ArchiveAsync("half", ArchiveFormat.TarGz))).HasChatTemplate.ShouldBeTrue();
    }

    [Fact]
    public async Task Export_DeletedWhileItIsRead_IsReadToItsEnd()
    {
        var version = (await _adapters.Add("a", ManagedAdapters.One)).Version;
        using var export = await _adapters.Manager.ExportAsync(AdapterReference.Parse("a"), CancellationToken.None);

        _adapters.Manager.Remove("a", force: false).ShouldBeTrue();
        File.Exists(_adapters.TensorFile(version.Value)).ShouldBeFalse();

        using var archive = new MemoryStream();
        await export.WriteAsync(ArchiveFormat.TarGz, archive, CancellationToken.None);
        (await UploadAsync("again", archive.ToArray())).Version.ShouldBe(version);
        await Should.ThrowAsync<UnknownAdapterException>(() => ArchiveAsync("a", ArchiveFormat.TarGz));
    }

    [Fact]
    public async Task Export_FileThatWasChanged_IsRefusedByName()
    {
        var version = (await _adapters.Add("a", ManagedAdapters.One)).Version;
        var bytes = await File.ReadAllBytesAsync(_adapters.TensorFile(version.Value));
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(_adapters.TensorFile(version.Value), bytes);

        var error = await Should.ThrowAsync<DamagedAdapterException>(() => ArchiveAsync("a", ArchiveFormat.TarGz));

        error.Message.ShouldContain("'a'");
        error.Message.ShouldNotContain(_adapters.DataFolder);
        File.Delete(_adapters.TensorFile(version.Value));
        (await Should.ThrowAsync<DamagedAdapterException>(() => ArchiveAsync("a", ArchiveFormat.TarGz))).Message
            .ShouldNotContain(_adapters.DataFolder);
    }

    [Fact]
    public async Task Export_ConfigurationThatWasMadeOneOfAnotherBase_IsRefused()
    {
        var version = (await _adapters.Add("a", ManagedAdapters.One)).Version;
        var config = Path.Combine(Path.GetDirectoryName(_adapters.TensorFile(version.Value))!, "adapter_config.json");
        await File.WriteAllTextAsync(config, (await File.ReadAllTextAsync(config)).Replace("\"r\": 4", "\"r\": 300"));

        await Should.ThrowAsync<DamagedAdapterException>(() => ArchiveAsync("a", ArchiveFormat.TarGz));
    }

    [Fact]
    public async Task Export_Mix_LoadsToTheTensorsThatServe()
    {
        await _adapters.Add("a", ManagedAdapters.One);
        await _adapters.Add("b", "rank-and-alpha-pattern");
        await _adapters.Add("c", "rslora-r16");
        _adapters.Manager.SaveMix("sum", [new AdapterPart("a", 0.7), new AdapterPart("b", -0.3), new AdapterPart("c", 1.25)]);

        var info = await UploadAsync("one", await ArchiveAsync("sum", ArchiveFormat.Zip));

        using var mix = await _adapters.Manager.AcquireAsync("sum", CancellationToken.None);
        using var one = await _adapters.Manager.AcquireAsync("one", CancellationToken.None);
        one.Adapter.Linears.Keys.Order().ShouldBe(mix.Adapter.Linears.Keys.Order());
        foreach (var (path, update) in mix.Adapter.Linears)
        {
            update.Tensors.Zip(one.Adapter.Linears[path].Tensors).ShouldAllBe(pair => pair.First.equal(pair.Second).all().item<bool>());
            update.Tensors.Count().ShouldBe(one.Adapter.Linears[path].Tensors.Count());
        }

        (await UploadAsync("again", await ArchiveAsync("one", ArchiveFormat.Zip))).Version.ShouldBe(info.Version);
        Directory.GetFileSystemEntries(Path.Combine(_adapters.DataFolder, "adapters", "incoming")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Export_MixWithEmbeddingAndHead_LoadsToTheTensorsThatServe()
    {
        await _adapters.Add("a", "embeddings");
        await _adapters.Add("b", ManagedAdapters.Three);

        await UploadAsync("one", await ArchiveAsync("a:0.5,b:0.5", ArchiveFormat.TarGz));

        using var mix = await _adapters.Manager.AcquireAsync("a:0.5,b:0.5", CancellationToken.None);
        using var one = await _adapters.Manager.AcquireAsync("one", CancellationToken.None);
        mix.Adapter.Embedding!.Tensors.Zip(one.Adapter.Embedding!.Tensors)
            .ShouldAllBe(pair => pair.First.equal(pair.Second).all().item<bool>());
    }

    [Fact]
    public async Task Export_MixThatNobodyReads_LeavesRoomForOthers()
    {
        await _adapters.Add("a", ManagedAdapters.One);
        for (var i = 0; i < 10; i++) (await _adapters.Manager.ExportAsync(AdapterReference.Parse("a:0.5"), CancellationToken.None)).Dispose();

        Directory.GetFileSystemEntries(Path.Combine(_adapters.DataFolder, "adapters", "incoming")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Export_MixesThatCannotBeWritten_TakeNoPlaceOfOthers()
    {
        await _adapters.Add("a", ManagedAdapters.One);
        var incoming = Path.Combine(_adapters.DataFolder, "adapters", "incoming");
        Directory.Delete(incoming);
        await File.WriteAllTextAsync(incoming, "in the way, as a full disk is");
        for (var i = 0; i < 4; i++) await Should.ThrowAsync<IOException>(() => ArchiveAsync("a:0.5", ArchiveFormat.Zip));
        File.Delete(incoming);
        Directory.CreateDirectory(incoming);

        (await ArchiveAsync("a:0.5", ArchiveFormat.Zip)).ShouldNotBeEmpty();
    }

    [Fact]
    public async Task Export_MixesWhoseFoldersCannotBeDeleted_TakeNoPlaceOfOthers()
    {
        await _adapters.Add("a", ManagedAdapters.One);
        for (var i = 0; i < 4; i++)
        {
            var export = await _adapters.Manager.ExportAsync(AdapterReference.Parse("a:0.5"), CancellationToken.None);
            foreach (var folder in Directory.GetDirectories(Path.Combine(_adapters.DataFolder, "adapters", "incoming")))
                Directory.Delete(folder, recursive: true);
            Should.Throw<IOException>(export.Dispose);
        }

        (await ArchiveAsync("a:0.5", ArchiveFormat.Zip)).ShouldNotBeEmpty();
    }

    private async Task<byte[]> ArchiveAsync(string reference, ArchiveFormat format)
    {
        using var export = await _adapters.Manager.ExportAsync(AdapterReference.Parse(reference), CancellationToken.None);
        using var archive = new MemoryStream();
        await export.WriteAsync(format, archive, CancellationToken.None);
        return archive.ToArray();
    }

    private async Task<AdapterInfo> UploadAsync(string name, byte[] archive)
    {
        using var upload = _adapters.Manager.BeginUpload();
        await upload.ReadArchiveAsync(new MemoryStream(archive), CancellationToken.None);
        return await _adapters.Manager.AddAsync(name, upload, new AddOptions { Replace = true }, CancellationToken.None);
    }
}
