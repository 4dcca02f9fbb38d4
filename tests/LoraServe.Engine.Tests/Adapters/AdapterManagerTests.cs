using System.Text.Json;
using LoraServe.Engine.Adapters;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Tests.Lora;
using LoraServe.Tests;
using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters;

public sealed class AdapterManagerTests : IDisposable
{
    private const string One = "attention-r4";
    private const string Other = "rank-32";

    private readonly string _root = Directory.CreateTempSubdirectory("loraserve-test-").FullName;
    private AdapterManager _manager;

    public AdapterManagerTests() => _manager = Open();

    public void Dispose()
    {
        _manager.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task AddAsync_NewName_DescribesAndServesIt()
    {
        var info = await Add("support", One);

        info.Rank.ShouldBe(4);
        info.Alpha.ShouldBe(8);
        info.TargetModules.ShouldBe(["q_proj", "v_proj"]);
        info.ModuleCount.ShouldBe(6);
        info.Version.Value.Length.ShouldBe(64);
        _manager.List().ShouldBe([info]);
        using var lease = await _manager.AcquireAsync("support", CancellationToken.None);
        lease.Version.ShouldBe(info.Version);
        _manager.CacheStatus.Bytes.ShouldBe(info.Parameters * sizeof(float));
    }

    [Fact]
    public async Task AddAsync_SameContentAgain_ChangesNothing()
    {
        var first = await Add("support", One);

        var again = await Add("support", One);

        again.Warnings.ShouldBe(first.Warnings);
        (again with { Warnings = first.Warnings }).ShouldBe(first);
    }

    [Fact]
    public async Task AddAsync_OtherContentWithoutReplace_IsRefused()
    {
        var first = await Add("support", One);

        await Should.ThrowAsync<AdapterExistsException>(() => Add("support", Other));

        _manager.Find("support").ShouldBe(first);
    }

    [Fact]
    public async Task AddAsync_Replace_MovesTheNameAndKeepsRunningLeases()
    {
        var first = await Add("support", One);
        using var running = await _manager.AcquireAsync("support", CancellationToken.None);

        var second = await Add("support", Other, replace: true);

        using var next = await _manager.AcquireAsync("support", CancellationToken.None);
        running.Version.ShouldBe(first.Version);
        running.Adapter.LowRanks().First().A.IsInvalid.ShouldBeFalse();
        next.Version.ShouldBe(second.Version);
    }

    [Fact]
    public async Task AcquireAsync_SameContentUnderTwoNames_IsOneCopy()
    {
        await Add("first", One);
        await Add("second", One);

        using var first = await _manager.AcquireAsync("first", CancellationToken.None);
        using var second = await _manager.AcquireAsync("second", CancellationToken.None);

        second.Adapter.ShouldBeSameAs(first.Adapter);
    }

    [Fact]
    public async Task Remove_WhileLeased_FreesItWithTheLastLease()
    {
        await Add("support", One);
        var lease = await _manager.AcquireAsync("support", CancellationToken.None);

        _manager.Remove("support", force: true).ShouldBeTrue();

        await Should.ThrowAsync<UnknownAdapterException>(async () => await _manager.AcquireAsync("support", CancellationToken.None));
        _manager.CacheStatus.Bytes.ShouldBeGreaterThan(0);
        lease.Dispose();
        _manager.CacheStatus.Bytes.ShouldBe(0);
        _manager.Remove("support", force: true).ShouldBeFalse();
    }

    [Fact]
    public async Task Open_AfterARestart_HasTheSameAdapters()
    {
        var before = await Add("support", One);

        Restart();

        Describe(_manager.List().Single()).ShouldBe(Describe(before));
        using var lease = await _manager.AcquireAsync("support", CancellationToken.None);
        lease.Version.ShouldBe(before.Version);
    }

    [Fact]
    public async Task Open_WithAnotherBase_ServesStoredAdaptersOnlyWhereTheyFit()
    {
        var before = await Add("support", One);

        Restart(checkpoint: "qwen3");
        _manager.Find("support")!.Broken!.ShouldContain("accepted for another base");
        await Should.ThrowAsync<DamagedAdapterException>(async () => await _manager.AcquireAsync("support", CancellationToken.None));
        _manager.Find("support")!.Broken!.ShouldContain("expected [");
        Restart();

        using var lease = await _manager.AcquireAsync("support", CancellationToken.None);
        lease.Version.ShouldBe(before.Version);
        _manager.Find("support")!.Broken.ShouldBeNull();
    }

    [Fact]
    public async Task Open_WithAFolder_ServesItsAdaptersReadOnly()
    {
        Copy(One, Path.Combine(_root, "folder", "support"));

        Restart(folder: Path.Combine(_root, "folder"));

        _manager.List().Select(info => info.Name).ShouldBe(["support"]);
        Should.Throw<AdapterReadOnlyException>(() => _manager.Remove("support", force: true));
        await Should.ThrowAsync<AdapterReadOnlyException>(() => Add("support", Other, replace: true));
    }

    [Fact]
    public void Open_WithBrokenAdaptersInTheFolder_NamesEveryFault()
    {
        Copy(One, Path.Combine(_root, "folder", "bad name"));
        Copy(One, Path.Combine(_root, "folder", "other"));
        File.WriteAllText(Path.Combine(_root, "folder", "other", "adapter_config.json"), "{}");

        var message = Should.Throw<InvalidAdapterException>(() => Restart(folder: Path.Combine(_root, "folder"))).Message;

        message.ShouldContain("bad name");
        message.ShouldContain($"other: adapter_config.json");
        Restart();
    }

    [Fact]
    public async Task AcquireAsync_FilesChangedOnDisk_SaysSo()
    {
        var folder = Path.Combine(_root, "folder");
        Copy(One, Path.Combine(folder, "support"));
        Restart(folder: folder);
        File.Copy(Golden(Other, "adapter_config.json"), Path.Combine(folder, "support", "adapter_config.json"), overwrite: true);
        File.Copy(Golden(Other, "adapter_model.safetensors"), Path.Combine(folder, "support", "adapter_model.safetensors"), overwrite: true);

        var e = await Should.ThrowAsync<DamagedAdapterException>(async () => await _manager.AcquireAsync("support", CancellationToken.None));

        e.Message.ShouldContain("have changed since it was accepted");
    }

    [Fact]
    public async Task AcquireAsync_FilesDamagedOnDisk_SaysWhichAdapter()
    {
        var info = await Add("support", One);
        File.WriteAllText(Path.Combine(_root, "data", "adapters", "versions", info.Version.Value, "adapter_model.safetensors"), "damaged");

        var e = await Should.ThrowAsync<DamagedAdapterException>(async () => await _manager.AcquireAsync("support", CancellationToken.None));

        e.Message.ShouldContain("The adapter 'support' cannot be loaded");
    }

    [Fact]
    public async Task Open_NamesOfTheTimeBeforeTheRegistry_AreTakenOver()
    {
        var info = await Add("support", One);
        _manager.Dispose();
        foreach (var file in Directory.GetFiles(Path.Combine(_root, "data", "adapters"), "registry.*")) File.Delete(file);
        Directory.Delete(Path.Combine(_root, "data", "adapters", "aliases"), recursive: true);
        var names = Directory.CreateDirectory(Path.Combine(_root, "data", "adapters", "names")).FullName;
        File.WriteAllText(Path.Combine(names, "1.json"), $$"""{"name":"old","version":"{{info.Version}}","created":"2026-03-05T14:07:09+00:00"}""");
        File.WriteAllText(Path.Combine(names, "2.json"), """{"name":"gone","version":"../../x","created":"2026-03-05T14:07:09+00:00"}""");
        File.WriteAllText(Path.Combine(names, "3.json"), "null");

        _manager = Open();

        _manager.List().Select(adapter => (adapter.Name, adapter.Version)).ShouldBe([("old", info.Version)]);
        Directory.GetFiles(names).Select(Path.GetFileName).ShouldBe(["2.json", "3.json"], ignoreOrder: true);
        using var lease = await _manager.AcquireAsync("old", CancellationToken.None);
        lease.Version.ShouldBe(info.Version);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AddAsync_SameContentAgainAfterDamage_MendsIt(bool afterRestart)
    {
        var info = await Add("support", One);
        File.WriteAllText(Path.Combine(_root, "data", "adapters", "versions", info.Version.Value, "adapter_model.safetensors"), "damaged");
        if (afterRestart) Restart();

        (await Add("support", One)).Version.ShouldBe(info.Version);

        using var lease = await _manager.AcquireAsync("support", CancellationToken.None);
        lease.Version.ShouldBe(info.Version);
    }

    [Fact]
    public void Open_FolderOfAnotherProcess_SaysSo() =>
        Should.Throw<IOException>(() => Open()).Message.ShouldContain("another LoraServe uses this folder");

    [Theory]
    [InlineData("")]
    [InlineData("../up")]
    [InlineData("llama-gqa")]
    public async Task AddAsync_NameThatIsNotFree_IsRefused(string name) =>
        (await Should.ThrowAsync<InvalidAdapterException>(() => Add(name, One))).Kind.ShouldBe(AdapterFault.Malformed);

    [Fact]
    public async Task CheckAsync_GoodUpload_StoresNothing()
    {
        using var upload = await Upload(One);

        using var adapter = await _manager.CheckAsync("support", upload, new AddOptions(), CancellationToken.None);

        adapter.Info.Rank.ShouldBe(4);

        _manager.List().ShouldBeEmpty();
    }

    [Fact]
    public async Task AddAsync_CopyOfTheHeadThatIsNotTheBases_IsRefused()
    {
        _manager.Dispose();
        _manager = Open("llama-bias-untied", isBase: false);

        var e = await Should.ThrowAsync<InvalidAdapterException>(() => Add("support", "head", checkpoint: "llama-bias-untied"));

        e.Kind.ShouldBe(AdapterFault.Incompatible);
        e.Message.ShouldContain("made on another base");
    }

    private AdapterManager Open(string checkpoint = "llama-gqa", string? folder = null, bool isBase = true) => AdapterManager.Open(
        new AdapterBase
        {
            Modules = ModelConfig.Load(GoldenData.Path("checkpoints", checkpoint)).Modules(checkpoint),
            Fingerprint = checkpoint,
            Dtype = torch.ScalarType.Float32,
            Device = torch.CPU,
            Tensor = name => BaseTensor(checkpoint, name, isBase),
        },
        new AdapterOptions { DataFolder = Path.Combine(_root, "data"), AdaptersFolder = folder, MaxRank = 256, CacheBytes = 1 << 24 },
        TimeProvider.System,
        new Random(1),
        NullLogger<AdapterManager>.Instance);

    private static torch.Tensor BaseTensor(string checkpoint, string name, bool isBase)
    {
        using var file = SafetensorsFile.Open(GoldenData.Path("checkpoints", checkpoint, "model.safetensors"));
        var tensor = file.Read(name);
        return isBase ? tensor : tensor.zero_();
    }

    private void Restart(string checkpoint = "llama-gqa", string? folder = null)
    {
        _manager.Dispose();
        _manager = Open(checkpoint, folder);
    }

    private async Task<AdapterInfo> Add(string name, string adapter, bool replace = false, string checkpoint = "llama-gqa")
    {
        using var upload = await Upload(adapter, checkpoint);
        return await _manager.AddAsync(name, upload, new AddOptions { Replace = replace }, CancellationToken.None);
    }

    private async Task<AdapterUpload> Upload(string adapter, string checkpoint = "llama-gqa")
    {
        var upload = _manager.BeginUpload();
        foreach (var file in Directory.GetFiles(GoldenData.Path("adapters", checkpoint, adapter)))
        {
            await using var stream = File.OpenRead(file);
            await upload.ReadFileAsync(Path.GetFileName(file), stream, CancellationToken.None);
        }

        return upload;
    }

    private static string Describe(AdapterInfo info) => JsonSerializer.Serialize(info);

    private static string Golden(string adapter, string file) => GoldenData.Path("adapters", "llama-gqa", adapter, file);

    private static void Copy(string adapter, string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var file in Directory.GetFiles(GoldenData.Path("adapters", "llama-gqa", adapter))) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
    }
}
