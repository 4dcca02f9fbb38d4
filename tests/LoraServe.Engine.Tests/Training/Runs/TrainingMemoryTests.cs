using LoraServe.Engine.Generation;
using LoraServe.Engine.Tests.Generation;
using LoraServe.Engine.Training;
using LoraServe.Engine.Training.Results;
using LoraServe.Engine.Training.Settings;
using LoraServe.Tests;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Training.Runs;

// Counts the tensors of the whole process, so no other test may run at the same time.
[Collection(nameof(LlmEngineTests))]
public sealed class TrainingMemoryTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly TemporaryFolder _folder = new();
    private LlmEngine _engine = null!;

    public ValueTask InitializeAsync()
    {
        _engine = TinyTraining.Engine(_folder.File("data"));
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(TrainingMethod.Lora)]
    [InlineData(TrainingMethod.Full)]
    public async Task RunAsync_EndedOrCancelled_LeavesNoTensorBehind(TrainingMethod method)
    {
        await Round("first");
        // Otherwise the finalizer could free other tests' tensors during the test.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var before = torch.Tensor.TotalCount;
        await Round("second");
        await Round("third");

        torch.Tensor.TotalCount.ShouldBe(before);

        async Task Round(string name)
        {
            var settings = TinyTraining.Settings with { Method = method, Steps = 6 };
            using var cancelled = new CancellationTokenSource();
            var events = new EventList { Told = told => { if (told is StepMade { Step: 2 }) cancelled.CancelAfter(1); } };
            var plan = TinyTraining.Plan(_engine, _folder.File(name), settings);
            var trainer = new LoraTrainer(_engine);
            try
            {
                await trainer.RunAsync(plan, events, cancelled.Token);
            }
            catch (OperationCanceledException)
            {
            }

            await trainer.RunAsync(plan, new EventList(), CancellationToken.None);
            // The engine frees snapshots once it is idle.
            SpinWait.SpinUntil(() => _engine.Status is { Running: 0, Queued: 0 }, Patience).ShouldBeTrue();
            await _engine.InvokeAsync(() => 0);
        }
    }
}
