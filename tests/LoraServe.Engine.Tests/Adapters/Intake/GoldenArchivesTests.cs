using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Store;
using LoraServe.Tests;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Adapters.Intake;

public sealed class GoldenArchivesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, int> Cases()
    {
        var cases = new TheoryData<string, int>();
        foreach (var upload in GoldenData.Json("uploads.json").EnumerateArray().Where(upload => upload.GetProperty("kind").GetString() == "archive"))
        {
            var status = upload.TryGetProperty("status", out var refused) ? refused.GetInt32() : 200;
            cases.Add(upload.GetProperty("case").GetString()!, status);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task ReadArchiveAsync_GoldenArchive_IsUnpackedOrRefused(string archive, int status)
    {
        using var upload = new AdapterUpload(_folder.Path, new AdapterLimits());
        await using var body = File.OpenRead(GoldenData.Path("archives", archive));

        if (status == 200)
        {
            await upload.ReadArchiveAsync(body, CancellationToken.None);

            Directory.EnumerateFileSystemEntries(upload.Folder).Select(Path.GetFileName).Order()
                .ShouldBe([AdapterFiles.Config, AdapterFiles.Tensors]);
            foreach (var file in Directory.EnumerateFiles(upload.Folder))
                File.ReadAllBytes(file).ShouldBe(File.ReadAllBytes(GoldenData.Path("adapters", "llama-gqa", "attention-r4", Path.GetFileName(file))));
            return;
        }

        var error = await Should.ThrowAsync<InvalidAdapterException>(() => upload.ReadArchiveAsync(body, CancellationToken.None));
        error.Kind.ShouldBe(status == 413 ? AdapterFault.TooLarge : AdapterFault.Malformed);
        Directory.EnumerateFileSystemEntries(_folder.Path).ShouldBeEmpty();
    }

    [Fact]
    public void Cases_AllKinds_AreThirteen() => Cases().Count.ShouldBe(13);
}
