using System.IO.Compression;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Adapters.Effects;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Generation;
using LoraServe.Tests;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Generation;

public sealed class EffectReportsTests : IAsyncLifetime
{
    private readonly EffectEngine _small = new();

    private LlmEngine Engine => _small.Engine;

    public async ValueTask InitializeAsync()
    {
        foreach (var name in new[] { "one", "namesake" })
        {
            using var upload = Engine.Adapters.BeginUpload();
            await using var archive = new MemoryStream();
            await ZipFile.CreateFromDirectoryAsync(GoldenData.Path("adapters", "llama-gqa", "all-linear-r8"), archive);
            archive.Position = 0;
            await upload.ReadArchiveAsync(archive, CancellationToken.None);
            await Engine.Adapters.AddAsync(name, upload, new AddOptions(), CancellationToken.None);
        }
    }

    public ValueTask DisposeAsync() => _small.DisposeAsync();

    [Fact]
    public async Task EffectAsync_ManyAtOnceUnderTwoNames_IsComputedOnce()
    {
        var before = Leases;

        var effects = await Task.WhenAll(Enumerable.Range(0, 24).Select(i => Task.Run(() => EffectAsync(i % 2 == 0 ? "one" : "namesake"))));

        effects.Distinct().Count().ShouldBe(1);
        // Each computation takes one.
        (Leases - before).ShouldBe(1);
    }

    [Fact]
    public async Task EffectAsync_OneStopsWaiting_TheOthersGetIt()
    {
        using var impatient = new CancellationTokenSource();
        var first = EffectAsync("one", impatient.Token);
        var second = EffectAsync("one");

        await impatient.CancelAsync();

        await first.ContinueWith(_ => { }, TaskScheduler.Default);
        (await second).MeanKl.ShouldNotBeNull();
    }

    [Fact]
    public async Task EffectAsync_NameThatHasGone_DoesNotExist()
    {
        await EffectAsync("namesake");
        Engine.Adapters.Remove("namesake", force: true);

        await Should.ThrowAsync<UnknownAdapterException>(() => EffectAsync("namesake"));
        (await EffectAsync("one")).MeanKl.ShouldNotBeNull();
    }

    private long Leases => Engine.Adapters.CacheStatus.Hits + Engine.Adapters.CacheStatus.Misses;

    private Task<AdapterEffect> EffectAsync(string name, CancellationToken cancellationToken = default) =>
        Engine.EffectAsync(AdapterReference.Parse(name), cancellationToken);
}
