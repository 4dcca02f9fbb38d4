using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Chat;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Sampling;
using LoraServe.Tests;
using Microsoft.Extensions.AI;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Chat;

public sealed class LocalModelTests : IAsyncLifetime
{
    private static readonly string Base = GoldenData.Path("checkpoints", "llama-gqa");
    private static readonly SamplingParams Greedy = new() { Temperature = 0, MaxTokens = 12 };

    private readonly TemporaryFolder _folder = new();
    private LocalModel _model = null!;

    public async ValueTask InitializeAsync()
    {
        // The golden checkpoint has no chat template of its own.
        foreach (var file in Directory.GetFiles(Base)) File.Copy(file, _folder.File(Path.GetFileName(file)), overwrite: true);
        await File.WriteAllTextAsync(_folder.File("chat_template.jinja"), "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}");
        _model = await LocalModel.LoadAsync(new EngineOptions
        {
            Model = _folder.Path,
            Data = _folder.File("data"),
            Dtype = "float32",
            Threads = 1,
            KvCacheMemory = 8,
        });
        foreach (var name in (string[])["all-linear-r8", "attention-r4"])
            await _model.AddAdapterAsync(name, GoldenData.Path("adapters", "llama-gqa", name));
    }

    public async ValueTask DisposeAsync()
    {
        await _model.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task CompleteAsync_TwoAdaptersAtOnce_EachAnswersAsAlone()
    {
        var alone = await _model.CompleteAsync("Hello", "all-linear-r8", Greedy);

        var together = await Task.WhenAll(
            _model.CompleteAsync("Hello", "all-linear-r8", Greedy), _model.CompleteAsync("Hello", "attention-r4", Greedy), _model.CompleteAsync("Hello", sampling: Greedy));

        together[0].ShouldBe(alone);
        together.Distinct().Count().ShouldBe(3);
    }

    [Fact]
    public async Task StreamAsync_Any_IsWhatCompleteAsyncGives()
    {
        var pieces = new List<string>();
        await foreach (var piece in _model.StreamAsync("Hello", "attention-r4", Greedy)) pieces.Add(piece);

        pieces.Count.ShouldBeGreaterThan(1);
        string.Concat(pieces).ShouldBe(await _model.CompleteAsync("Hello", "attention-r4", Greedy));
    }

    [Fact]
    public async Task StreamAsync_EndedByItsReader_LeavesNothingRunning()
    {
        await foreach (var _ in _model.StreamAsync("Hello", sampling: Greedy with { MaxTokens = 60, IgnoreEos = true })) break;
        await _model.Engine.DrainAsync(TimeSpan.FromSeconds(30));

        (_model.Engine.Status.Running + _model.Engine.Status.Waiting).ShouldBe(0);
    }

    [Fact]
    public async Task CompleteAsync_ValuesOutOfRange_NamesAllOfThem()
    {
        var fault = await Should.ThrowAsync<ArgumentException>(() => _model.CompleteAsync(
            "Hello", sampling: Greedy with { Temperature = float.NaN, TopP = 0, LogitBias = new Dictionary<int, float> { [1 << 20] = 1 } }));

        fault.Message.ShouldContain("Temperature");
        fault.Message.ShouldContain("TopP");
        fault.Message.ShouldContain("LogitBias");
    }

    [Fact]
    public async Task CompleteAsync_UnknownAdapter_IsRefused() =>
        await Should.ThrowAsync<UnknownAdapterException>(() => _model.CompleteAsync("Hello", "none"));

    [Fact]
    public async Task AddAdapterAsync_FolderWithoutAdapter_IsRefused() =>
        await Should.ThrowAsync<LoraServe.Engine.Adapters.Intake.InvalidAdapterException>(() => _model.AddAdapterAsync("empty", Directory.CreateDirectory(_folder.File("empty")).FullName));

    [Fact]
    public async Task ChatClient_Conversation_AnswersByTheTemplate()
    {
        using var client = _model.AsChatClient("all-linear-r8");
        var options = new ChatOptions { Temperature = 0, MaxOutputTokens = 12 };

        var response = await client.GetResponseAsync("Hello", options);

        response.Text.ShouldBe(await _model.CompleteAsync("user: Hello\n", "all-linear-r8", Greedy));
        response.ModelId.ShouldBe("all-linear-r8");
        response.FinishReason.ShouldNotBeNull();
        response.Usage!.OutputTokenCount.ShouldNotBeNull().ShouldBeInRange(1, 12);
        var other = await client.GetResponseAsync("Hello", new ChatOptions { Temperature = 0, MaxOutputTokens = 12, ModelId = "attention-r4" });
        other.Text.ShouldNotBe(response.Text);
    }

    [Fact]
    public async Task ChatClient_WhatItCannotKeep_IsRefusedByName()
    {
        using var client = _model.AsChatClient();

        var fault = await Should.ThrowAsync<NotSupportedException>(() => client.GetResponseAsync(
            "Hello", new ChatOptions { StopSequences = ["x"], ResponseFormat = ChatResponseFormat.Json }));

        fault.Message.ShouldContain("StopSequences");
        fault.Message.ShouldContain("ResponseFormat");
        await Should.ThrowAsync<NotSupportedException>(() => client.GetResponseAsync(
            [new ChatMessage(ChatRole.User, [new UriContent("http://localhost/a.png", "image/png")])]));
    }
}
