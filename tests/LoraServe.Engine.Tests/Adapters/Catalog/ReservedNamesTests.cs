using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Store;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters.Catalog;

/// <summary>Names that mean something else.</summary>
public sealed class ReservedNamesTests : IDisposable
{
    private readonly ManagedAdapters _adapters = new();

    public void Dispose() => _adapters.Dispose();

    [Theory]
    [InlineData("base")]
    [InlineData("effect")]
    [InlineData("llama-gqa")]
    public async Task Start_NameThatIsReservedNow_IsToldAndCanBeTakenAwayAndDeleted(string name)
    {
        await _adapters.Add("old", ManagedAdapters.One);
        using (var registry = AdapterRegistry.Open(Path.Combine(_adapters.DataFolder, "adapters", "registry.db"), _adapters.Trash))
            registry.Save(registry.Read().Aliases.Single() with { Name = name });

        _adapters.Restart();

        _adapters.Log.Lines.ShouldContain(line => line.Contains($"/v1/adapters/{name}/archive") && line.Contains("upload it under the new name"));
        using (var export = await _adapters.Manager.ExportAsync(AdapterReference.Parse(name), CancellationToken.None))
            export.Version.ShouldBe(_adapters.Manager.Find(name)!.Version);
        await Should.ThrowAsync<InvalidAdapterException>(() => _adapters.Add(name, ManagedAdapters.Two));
        Should.Throw<InvalidAdapterException>(() => _adapters.Manager.SaveMix(name, [new AdapterPart("old", 1)]));
        _adapters.Manager.Remove(name, force: false).ShouldBeTrue();
        _adapters.Manager.Find(name).ShouldBeNull();
        _adapters.Manager.Find("old").ShouldNotBeNull();
    }

    [Fact]
    public async Task Add_NameWithASlash_StaysInTheStore()
    {
        var version = (await _adapters.Add("acme/sql", ManagedAdapters.One)).Version;
        _adapters.Manager.SaveMix("acme/half", [new AdapterPart("acme/sql", 0.5)]);

        _adapters.Restart();

        (await _adapters.Version("acme/sql")).ShouldBe(version.Value);
        (await _adapters.Version("acme/half")).ShouldBe(await _adapters.Version("acme/sql:0.5"));
        Directory.GetFileSystemEntries(_adapters.DataFolder, "*acme*", SearchOption.AllDirectories).ShouldBeEmpty();
    }
}
