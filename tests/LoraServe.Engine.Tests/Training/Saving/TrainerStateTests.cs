using LoraServe.Engine.Training.Gradients;
using LoraServe.Engine.Training.Optimization;
using LoraServe.Engine.Training.Results;
using LoraServe.Engine.Training.Saving;
using LoraServe.Engine.Training.Settings;
using LoraServe.Tests;
using Shouldly;
using Xunit;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Training.Saving;

public sealed class TrainerStateTests : IDisposable
{
    private static readonly TrainingIdentity Identity = new()
    {
        Base = "b0",
        Data = "d0",
        Validation = null,
        ValidationSplit = 0.1,
        Examples = 7,
        Settings = SampleSettings.Create(),
    };

    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _damaged = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_SavedState_BringsBackEveryBit()
    {
        using var saved = new Training(seed: 1, steps: 5);
        var progress = new TrainingProgress
        {
            Step = 5,
            BestStep = 3,
            Best = new EvaluationFigures(0.1 + 0.2, 0.5, 1.0 / 3, 20, 5),
            EvaluationsSinceBest = 2,
            RecentLosses = [1.5, 0.1],
            Tokens = 1L << 40,
            Elapsed = TimeSpan.FromTicks(12345678901),
        };
        State().Save(progress, saved.Parameters, saved.Optimizer);

        using var loaded = new Training(seed: 2, steps: 0);
        var found = State().Load(loaded.Parameters, loaded.Optimizer, _damaged.Add);

        found.ShouldNotBeNull();
        (found with { RecentLosses = [] }).ShouldBe(progress with { RecentLosses = [] });
        found.RecentLosses.ShouldBe(progress.RecentLosses);
        loaded.Optimizer.Steps.ShouldBe(5);
        loaded.Bits().ShouldBe(saved.Bits());
        _damaged.ShouldBeEmpty();
    }

    [Fact]
    public void Save_LossWhosePerplexityIsInfinite_IsLoaded()
    {
        using var training = new Training(seed: 1, steps: 1);
        var figures = new EvaluationFigures(800, 0, null, 1, 0);

        State().Save(new TrainingProgress { Step = 1, BestStep = 1, Best = figures }, training.Parameters, training.Optimizer);

        State().Load(training.Parameters, training.Optimizer, _damaged.Add).ShouldNotBeNull().Best.ShouldBe(figures);
    }

    [Fact]
    public void Load_NoFolder_IsNull()
    {
        using var training = new Training(seed: 1, steps: 0);
        var state = new TrainerState(_folder.File("absent"), Identity);

        state.Exists.ShouldBeFalse();
        state.Load(training.Parameters, training.Optimizer, _damaged.Add).ShouldBeNull();
    }

    [Fact]
    public void Save_ManyStates_KeepsTheNewestTwo()
    {
        using var training = new Training(seed: 1, steps: 1);
        File.WriteAllText(_folder.File("state-9.safetensors.0.tmp"), "of a killed process");
        foreach (var step in (int[])[8, 9, 10, 100]) Save(training, step);

        Directory.EnumerateFiles(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal)
            .ShouldBe(["state-10.safetensors", "state-100.safetensors"]);
        State().Load(training.Parameters, training.Optimizer, _damaged.Add)!.Step.ShouldBe(100);
    }

    [Fact]
    public void Load_EveryBitFlippedOrByteCut_NeverTakesTheDamagedOne()
    {
        using var training = new Training(seed: 1, steps: 3, [3]);
        Save(training, 10);
        using var later = new Training(seed: 9, steps: 4, [3]);
        Save(later, 20);
        var file = _folder.File("state-20.safetensors");
        var whole = File.ReadAllBytes(file);
        using var loaded = new Training(seed: 3, steps: 0, [3]);

        for (var at = 0; at < whole.Length; at += 3)
        {
            var bytes = (byte[])whole.Clone();
            bytes[at] ^= (byte)(1 << (at % 8));
            File.WriteAllBytes(file, at % 2 == 0 ? bytes : whole[..at]);
            State().Load(loaded.Parameters, loaded.Optimizer, _damaged.Add)!.Step.ShouldBe(10, $"byte {at}");
            loaded.Bits().ShouldBe(training.Bits());
        }

        _damaged.ShouldNotBeEmpty();
        _damaged.ShouldAllBe(text => text.StartsWith("The checkpoint state-20.safetensors is damaged", StringComparison.Ordinal));
    }

    [Fact]
    public void Save_AfterGoingOnFromAnEarlierState_DropsTheRefusedOne()
    {
        using var training = new Training(seed: 1, steps: 1);
        Save(training, 10);
        File.WriteAllText(_folder.File("state-20.safetensors"), "damaged");

        Save(training, 15);

        State().Load(training.Parameters, training.Optimizer, _damaged.Add)!.Step.ShouldBe(15);
        _damaged.ShouldBeEmpty();
    }

    [Fact]
    public void CheckSame_OtherTraining_NamesEveryDifference()
    {
        using var training = new Training(seed: 1, steps: 1);
        Save(training, 10);
        var other = Identity with { Data = "d1", Settings = Identity.Settings with { Rank = 5, CheckpointEvery = 99 } };

        var fault = Should.Throw<InvalidTrainingException>(new TrainerState(_folder.Path, other).CheckSame);

        fault.Faults.Count.ShouldBe(3);
        fault.Faults[0].ShouldContain("another training");
        fault.Faults.Skip(1).ShouldBe(["data: \"d0\" there, \"d1\" here", "rank: 4 there, 5 here"]);
        new TrainerState(_folder.Path, Identity with { Settings = Identity.Settings with { CheckpointEvery = 99, MaxSequenceLength = 99 } }).CheckSame();
    }

    [Fact]
    public void Save_FolderCannotBeWritten_ThrowsAndKeepsTheOldState()
    {
        using var training = new Training(seed: 1, steps: 1);
        Save(training, 10);
        Directory.CreateDirectory(_folder.File("state-11.safetensors"));

        Should.Throw<IOException>(() => Save(training, 11));

        State().Load(training.Parameters, training.Optimizer, _damaged.Add)!.Step.ShouldBe(10);
    }

    private TrainerState State() => new(_folder.Path, Identity);

    private void Save(Training training, int step) =>
        State().Save(new TrainingProgress { Step = step }, training.Parameters, training.Optimizer);

    private sealed class Training : IDisposable
    {
        public Training(int seed, int steps, params long[] shape)
        {
            using var mode = inference_mode();
            using var generator = new Generator((ulong)seed);
            if (shape.Length == 0) shape = [4, 5];
            Parameters = [.. Enumerable.Range(0, 3).Select(i =>
                new TrainedParameter($"model.layers.{i}.q_proj.lora_A.weight", randn(shape, generator: generator)))];
            Optimizer = new AdamW(Parameters, weightDecay: 0.01);
            for (var step = 0; step < steps; step++)
            {
                foreach (var parameter in Parameters) parameter.Gradient.copy_(randn(shape, generator: generator));
                Optimizer.Advance(0.01, 1);
            }
        }

        public List<TrainedParameter> Parameters { get; }

        public AdamW Optimizer { get; }

        public List<byte> Bits() =>
            [.. Optimizer.Moments.SelectMany(item => new[] { item.Parameter.Value, item.First, item.Second }).SelectMany(tensor => tensor.bytes.ToArray())];

        public void Dispose()
        {
            Optimizer.Dispose();
            foreach (var parameter in Parameters) parameter.Dispose();
        }
    }
}
