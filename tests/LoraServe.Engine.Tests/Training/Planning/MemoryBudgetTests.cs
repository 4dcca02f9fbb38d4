using System.Globalization;
using System.Text.RegularExpressions;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Tests.Training.Runs;
using LoraServe.Engine.Training;
using LoraServe.Engine.Training.Settings;
using LoraServe.Tests;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Training.Planning;

public sealed partial class MemoryBudgetTests : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<LlmEngine> _engines = [];

    public async ValueTask DisposeAsync()
    {
        foreach (var engine in _engines) await engine.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public void Prepare_PassBeyondTheBudget_SaysHowLargeItMayBe()
    {
        var trainer = Trainer(mebibytes: 300);
        var huge = new Hyperparameters { BatchSize = 256, MicroBatchTokens = 1 << 20 };

        var fault = Should.Throw<InvalidTrainingException>(() => trainer.Prepare(Request(LongLines(256), huge))).Faults.ShouldHaveSingleItem();

        fault.ShouldMatch("^micro_batch_tokens: the training would take about [0-9]+ MiB of memory beside the model, .* more than the 300 MiB of training-memory");
        var most = int.Parse(AtMost().Match(fault).Groups[1].Value, CultureInfo.InvariantCulture);
        var plan = trainer.Prepare(Request(LongLines(256), huge with { MicroBatchTokens = most }));
        plan.MemoryBytes.ShouldBeLessThanOrEqualTo(300L << 20);
        plan.MemoryBytes.ShouldBeGreaterThan(0);
        Should.Throw<InvalidTrainingException>(() => trainer.Prepare(Request(LongLines(256), huge with { MicroBatchTokens = most + 1 })));
    }

    [Fact]
    public void Prepare_SizeOfPassesLeftOpen_ChoosesWhatFits()
    {
        var lines = LongLines(256);
        var open = new Hyperparameters { BatchSize = 256 };
        var trainer = Trainer(mebibytes: 4000);
        var (least, usual) = (trainer.Prepare(Request(lines, open with { MicroBatchTokens = 1 })), trainer.Prepare(Request(lines, open)));

        var plan = Trainer((int)((least.MemoryBytes >> 20) + 1)).Prepare(Request(lines, open));

        plan.Settings.MicroBatchTokens.ShouldBeInRange(1, usual.Settings.MicroBatchTokens - 1);
        plan.Choices.ShouldContain(choice => choice.StartsWith($"micro_batch_tokens {plan.Settings.MicroBatchTokens}: as many as"));
    }

    [Theory]
    [InlineData(TrainingMethod.Full, "method: ")]
    [InlineData(TrainingMethod.Lora, "max_sequence_length: ")]
    public void Prepare_NoPassWithinTheBudget_SaysWhatElseToLower(TrainingMethod method, string setting) =>
        Should.Throw<InvalidTrainingException>(() => Trainer(mebibytes: 1).Prepare(Request(TrainedEngine.Lines(3), new Hyperparameters { Method = method })))
            .Faults.ShouldHaveSingleItem().ShouldStartWith(setting);

    [Fact]
    public void ReadDataset_MoreExamplesThanTheBudgetHolds_IsRefused()
    {
        var file = Request(TrainedEngine.Lines(3000), new Hyperparameters()).TrainingFile;

        Should.Throw<InvalidTrainingException>(() => Trainer(mebibytes: 1).ReadDataset(file, skipTooLong: false)).Faults.ShouldHaveSingleItem()
            .ShouldContain("3000 examples would take about");
        Trainer(mebibytes: 20).ReadDataset(file, skipTooLong: false).Examples.Count.ShouldBe(3000);
    }

    private LoraTrainer Trainer(int mebibytes)
    {
        _engines.Add(TinyTraining.Engine(_folder.File($"data-{_engines.Count}"), TinyTraining.Options with { TrainingMemory = mebibytes }));
        return new LoraTrainer(_engines[^1]);
    }

    private TrainingRequest Request(string lines, Hyperparameters hyperparameters)
    {
        var file = _folder.File($"{Guid.NewGuid():N}.jsonl");
        File.WriteAllText(file, lines);
        return new TrainingRequest { TrainingFile = file, Folder = _folder.File("run"), Hyperparameters = hyperparameters };
    }

    private static string LongLines(int count) =>
        string.Join('\n', Enumerable.Repeat($$"""{"prompt": "{{new string('q', 120)}}", "completion": "a"}""", count));

    [GeneratedRegex("to at most ([0-9]+)")]
    private static partial Regex AtMost();
}
