using System.Buffers;
using System.Text;
using System.Text.Json;
using LoraServe.Api;
using LoraServe.Api.Completions;
using LoraServe.Generation;

namespace LoraServe.Tests.Generation;

public sealed class EventFrameTests
{
    private static readonly CompletionChoice Choice = new() { Index = 1, Text = " \"choices\":[] ü\n" };

    private readonly ArrayBufferWriter<byte> _body = new(1 << 16);

    [Theory]
    [InlineData("base")]
    [InlineData("\"choices\":[]")]
    [InlineData("\\\"choices\":[],\"choices\":[]")]
    public void Write_AnyNameOfTheModel_IsTheWholeAnswerWithTheChoice(string model)
    {
        var answer = Answer(model);
        using var json = Writer();

        EventFrame.Of(answer).Write(_body, json, Choice);

        Encoding.UTF8.GetString(_body.WrittenSpan)
            .ShouldBe($"data: {JsonSerializer.Serialize(answer with { Choices = [Choice] }, ApiJson.Options)}\n\n");
    }

    [Fact]
    public void Write_ManyEvents_AllocatesNothing()
    {
        var frame = EventFrame.Of(Answer("base"));
        using var json = Writer();
        for (var i = 0; i < 20; i++) frame.Write(_body, json, Choice);
        _body.ResetWrittenCount();

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 20; i++) frame.Write(_body, json, Choice);

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    private static CompletionResponse Answer(string model) =>
        new() { Id = "cmpl-1", Created = 1, Model = model, SystemFingerprint = "fp", Choices = [] };

    private Utf8JsonWriter Writer() => new(_body, new JsonWriterOptions { Encoder = ApiJson.Options.Encoder, SkipValidation = true });
}
