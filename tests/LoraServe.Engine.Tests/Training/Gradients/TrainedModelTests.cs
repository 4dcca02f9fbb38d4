using System.Runtime.InteropServices;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using LoraServe.Engine.Training.Data;
using LoraServe.Engine.Training.Gradients;
using LoraServe.Engine.Training.Settings;
using Shouldly;
using TorchSharp;
using Xunit;

namespace LoraServe.Engine.Tests.Training.Gradients;

public class TrainedModelTests
{
    private const long DropoutSeed = 5;

    public static TheoryData<string> Checkpoints => ["llama-gqa", "llama-bias-untied", "qwen2", "qwen3", "mistral-sliding", "llama-yarn-rope"];

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void Train_LowRank_EqualsAutograd(string checkpoint) => ShouldEqualAutograd(checkpoint, TrainedCheckpoint.Settings);

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void Train_DoraWithBiases_EqualsAutograd(string checkpoint) =>
        ShouldEqualAutograd(checkpoint, TrainedCheckpoint.Settings with { UseDora = true });

    [Theory]
    [MemberData(nameof(Checkpoints))]
    public void Train_AllWeights_EqualsAutograd(string checkpoint) =>
        ShouldEqualAutograd(checkpoint, TrainedCheckpoint.Settings with { Method = TrainingMethod.Full });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Train_WithDropout_EqualsAutograd(bool dora) =>
        ShouldEqualAutograd("llama-bias-untied", TrainedCheckpoint.Settings with { Dropout = 0.25, UseDora = dora });

    [Fact]
    public void Train_PatternsAndHead_EqualsAutograd() => ShouldEqualAutograd("llama-gqa", TrainedCheckpoint.Settings with
    {
        TargetModules = ["v_proj", "down_proj", "lm_head"],
        UseRsLora = true,
        RankPattern = new Dictionary<string, int> { ["layers.1.mlp.down_proj"] = 7, ["lm_head"] = 2 },
        AlphaPattern = new Dictionary<string, double> { ["v_proj"] = 3 },
    });

    [Theory]
    [InlineData(0.0, false)]
    [InlineData(0.25, false)]
    [InlineData(0.25, true)]
    public void Train_Recomputed_GivesTheSameBits(double dropout, bool dora)
    {
        using var checkpoint = new TrainedCheckpoint("qwen3");
        var batch = checkpoint.RandomBatch(3, 9, 21, 14);
        var settings = TrainedCheckpoint.Settings with { Dropout = dropout, UseDora = dora };

        var kept = Gradients(checkpoint, settings, batch);
        var recomputed = Gradients(checkpoint, settings with { Recompute = true }, batch);

        recomputed.ShouldBe(kept);
    }

    [Theory]
    [InlineData("llama-gqa")]
    [InlineData("mistral-sliding")]
    public void Train_ExamplesTogether_EqualsThemAlone(string name)
    {
        using var checkpoint = new TrainedCheckpoint(name);
        var random = new Random(8);
        (int[], int[])[] examples = [.. new[] { 4, 30, 11 }.Select(length => (Tokens(3), Tokens(length)))];
        using var model = Model(checkpoint, TrainedCheckpoint.Settings);

        TrainedCheckpoint.Run(model.Train(TrainedCheckpoint.Batch(examples), 0.25, 0), 1);
        var together = Gradients(model);
        foreach (var parameter in model.Parameters) parameter.Gradient.zero_();
        foreach (var example in examples) TrainedCheckpoint.Run(model.Train(TrainedCheckpoint.Batch(example), 0.25, 0), 1);

        ShouldBeNear(Gradients(model), together, model);

        int[] Tokens(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(checkpoint.Config.VocabularySize))];
    }

    [Fact]
    public void Train_LongExample_EqualsAutograd() =>
        ShouldEqualAutograd("mistral-sliding", TrainedCheckpoint.Settings, 200, 30);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Snapshot_ServedByTheBase_GivesTheLossOfTraining(bool full)
    {
        using var checkpoint = new TrainedCheckpoint("llama-gqa");
        var batch = checkpoint.RandomBatch(2, 17);
        using var model = Model(checkpoint, TrainedCheckpoint.Settings with { UseDora = true, Method = full ? TrainingMethod.Full : TrainingMethod.Lora });
        if (full) foreach (var parameter in model.Parameters) parameter.Value.mul_(torch.tensor(1.01f));
        model.Refresh();
        using var adapter = model.Snapshot(new AdapterVersionId("test"));

        var loss = TrainedCheckpoint.Run(model.Evaluate(batch), batch.TargetCount);

        ServedLoss(checkpoint, adapter, batch).ShouldBe(loss, 1e-5);
        Math.Abs(ServedLoss(checkpoint, LoraAdapter.Base, batch) - loss).ShouldBeGreaterThan(1e-3);
    }

    /// <summary>Rounding the weights to bfloat16 changes the gradients, but not their direction.</summary>
    [Theory]
    [InlineData(false, false, torch.ScalarType.Float32)]
    [InlineData(true, false, torch.ScalarType.Float32)]
    [InlineData(false, true, torch.ScalarType.Float32)]
    [InlineData(false, false, torch.ScalarType.BFloat16)]
    [InlineData(true, false, torch.ScalarType.BFloat16)]
    [InlineData(false, true, torch.ScalarType.BFloat16)]
    public void Train_BFloat16Base_PointsTheSameWay(bool dora, bool full, torch.ScalarType computed)
    {
        using var wide = new TrainedCheckpoint("llama-bias-untied");
        using var narrow = new TrainedCheckpoint("llama-bias-untied", torch.ScalarType.BFloat16);
        var settings = TrainedCheckpoint.Settings with { UseDora = dora, Method = full ? TrainingMethod.Full : TrainingMethod.Lora };
        var batch = wide.RandomBatch(3, 9, 21, 14);

        var expected = Gradients(wide, settings, batch).SelectMany(values => values).ToArray();
        var actual = Gradients(narrow, settings, batch, computed).SelectMany(values => values).ToArray();

        var product = expected.Zip(actual).Sum(pair => (double)pair.First * pair.Second);
        (product / Math.Sqrt(Square(expected) * Square(actual))).ShouldBeGreaterThan(0.99);

        static double Square(float[] values) => values.Sum(value => (double)value * value);
    }

    [Fact]
    public void Train_Anything_LeavesTheBaseAlone()
    {
        using var checkpoint = new TrainedCheckpoint("llama-bias-untied");
        var before = checkpoint.Weights.Checksum();

        foreach (var method in Enum.GetValues<TrainingMethod>())
        {
            using var model = Model(checkpoint, TrainedCheckpoint.Settings with { Method = method });
            var batch = checkpoint.RandomBatch(1, 12, 7);
            TrainedCheckpoint.Run(model.Train(batch, 1, 0), 1);
            foreach (var parameter in model.Parameters) parameter.Value.sub_(parameter.Gradient);
            model.Refresh();
            TrainedCheckpoint.Run(model.Train(batch, 1, 0), 1);
            var names = model.Parameters.Select(parameter => parameter.Name);
            if (method == TrainingMethod.Lora) names.ShouldAllBe(name => name.Contains(".lora_"));
        }

        checkpoint.Weights.Checksum().ShouldBe(before);
    }

    [Fact]
    public void Construct_SameSeed_DrawsTheSameWhateverElseIsTrained()
    {
        using var checkpoint = new TrainedCheckpoint("llama-gqa");
        using var all = new TrainedModel(checkpoint.Config, TrainedCheckpoint.MaxModelLen, checkpoint.Weights, TrainedCheckpoint.Settings);
        using var one = new TrainedModel(checkpoint.Config, TrainedCheckpoint.MaxModelLen, checkpoint.Weights, TrainedCheckpoint.Settings with { TargetModules = ["up_proj"] });
        using var other = new TrainedModel(checkpoint.Config, TrainedCheckpoint.MaxModelLen, checkpoint.Weights, TrainedCheckpoint.Settings with { Seed = 2 });
        const string Name = "model.layers.1.mlp.up_proj.lora_A.weight";
        var a = Floats(all.Parameters.Single(parameter => parameter.Name == Name).Value);

        Floats(one.Parameters.Single(parameter => parameter.Name == Name).Value).ShouldBe(a);
        Floats(other.Parameters.Single(parameter => parameter.Name == Name).Value).ShouldNotBe(a);
        var bound = 1 / Math.Sqrt(checkpoint.Config.HiddenSize);
        a.Max().ShouldBeInRange((float)(0.9 * bound), (float)bound);
        a.Min().ShouldBeInRange((float)-bound, (float)(-0.9 * bound));
        all.Parameters.Where(parameter => parameter.Name.Contains("lora_B")).ShouldAllBe(parameter => parameter.Value.count_nonzero().item<long>() == 0);
    }

    private static void ShouldEqualAutograd(string name, TrainingSettings settings, params int[] lengths)
    {
        if (lengths.Length == 0) lengths = [6, 33, 13];
        using var scope = torch.NewDisposeScope();
        using var checkpoint = new TrainedCheckpoint(name);
        using var model = Model(checkpoint, settings);
        var batch = checkpoint.RandomBatch(7, lengths);
        var weight = 1.0 / batch.TargetCount;

        var loss = TrainedCheckpoint.Run(model.Train(batch, weight, DropoutSeed), batch.TargetCount);

        var dropout = settings.Dropout > 0 ? new Dropout(settings.Dropout, DropoutSeed) : null;
        var (wanted, gradients) = AutogradGradients.Of(checkpoint, settings, model.Parameters, batch, weight, dropout);
        loss.ShouldBe(wanted, 1e-4);
        foreach (var parameter in model.Parameters)
        {
            var expected = Floats(gradients[parameter.Name]);
            var actual = Floats(parameter.Gradient);
            var tolerance = Math.Max(1e-6, 2e-4 * expected.Max(Math.Abs));
            for (var i = 0; i < expected.Length; i++) actual[i].ShouldBe(expected[i], tolerance, $"{name} {parameter.Name} [{i}]");
        }
    }

    // Perturbs the parameters: with the initial B = 0, half of the gradients would be 0.
    private static TrainedModel Model(TrainedCheckpoint checkpoint, TrainingSettings settings, torch.ScalarType? dtype = null)
    {
        var model = new TrainedModel(checkpoint.Config, TrainedCheckpoint.MaxModelLen, checkpoint.Weights, settings, dtype);
        var random = new Random(4);
        foreach (var parameter in model.Parameters.Where(parameter => parameter.Name.Contains(".lora_")))
        {
            var values = MemoryMarshal.Cast<byte, float>(parameter.Value.bytes);
            foreach (ref var value in values) value += (float)(0.2 * (random.NextDouble() - 0.5));
        }

        model.Refresh();
        return model;
    }

    private static List<float[]> Gradients(TrainedCheckpoint checkpoint, TrainingSettings settings, TrainingBatch batch, torch.ScalarType? dtype = null)
    {
        using var model = Model(checkpoint, settings, dtype);
        TrainedCheckpoint.Run(model.Train(batch, 1.0 / batch.TargetCount, DropoutSeed), 1);
        return Gradients(model);
    }

    private static List<float[]> Gradients(TrainedModel model) => [.. model.Parameters.Select(parameter => Floats(parameter.Gradient))];

    private static void ShouldBeNear(List<float[]> actual, List<float[]> expected, TrainedModel model)
    {
        for (var p = 0; p < expected.Count; p++)
        {
            var tolerance = Math.Max(1e-6, 1e-4 * expected[p].Max(Math.Abs));
            for (var i = 0; i < expected[p].Length; i++) actual[p][i].ShouldBe(expected[p][i], tolerance, model.Parameters[p].Name);
        }
    }

    private static double ServedLoss(TrainedCheckpoint checkpoint, LoraAdapter adapter, TrainingBatch batch)
    {
        var config = checkpoint.Config;
        var count = batch.Tokens.Count;
        using var mode = torch.inference_mode();
        using var scope = torch.NewDisposeScope();
        // Stays undisposed: it would free the weights.
        var model = TorchDecoder.Create(config, checkpoint.Weights, count, config.MaxPositionEmbeddings);
        var inputs = new ForwardBatch(count);
        for (var i = 0; i < count; i++)
        {
            inputs.TokenIds.Add(batch.Tokens[i]);
            inputs.Positions.Add(i);
            inputs.LogitTokens.Add(i);
        }

        inputs.Spans.Add(new AttentionSpan(0, count, count, [0]));
        inputs.Lora.Add(count, adapter);
        model.Forward(inputs);
        var values = new float[count * config.VocabularySize];
        model.Logits(0, values);
        using var logits = torch.tensor(values, [count, config.VocabularySize]);
        using var targets = torch.tensor(batch.Targets.Select(target => (long)target).ToArray());
        return torch.nn.functional.cross_entropy(logits, targets, ignore_index: -1).item<float>();
    }

    private static float[] Floats(torch.Tensor tensor)
    {
        using var whole = tensor.contiguous();
        return MemoryMarshal.Cast<byte, float>(whole.bytes).ToArray();
    }
}
