using System.Text.Json;
using LoraServe.Engine.Adapters.Effects;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using LoraServe.Engine.Peft;
using LoraServe.Tests;
using Shouldly;
using Xunit;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Adapters.Effects;

public sealed class EffectAnalysisTests : IDisposable
{
    private static readonly ModelModules Base = ModelConfig.Load(GoldenData.Path("checkpoints", "llama-gqa")).Modules("llama-gqa");

    private readonly BaseWeights _weights = LoadBase("llama-gqa");
    private readonly EffectAnalysis _analysis;

    public EffectAnalysisTests() => _analysis = new EffectAnalysis(_weights.Weight);

    public static TheoryData<string> PlainAdapters =>
    [
        "all-linear-r8", "alpha-fraction", "attention-r4", "exclude-modules", "full-path-target", "layers-to-transform", "rank-1",
        "rank-32", "rank-and-alpha-pattern", "regex-targets", "rslora-r16", "stored-bf16", "stored-f16",
    ];

    public void Dispose() => _weights.Dispose();

    [Theory]
    [MemberData(nameof(PlainAdapters))]
    public void Compute_GoldenAdapter_EqualsTheFullProducts(string golden)
    {
        using var scope = NewDisposeScope();
        using var adapter = Open(golden);

        var effect = _analysis.Compute(adapter);

        effect.Targets.Count.ShouldBe(adapter.Modules.Count);
        effect.HasEffect.ShouldBeTrue();
        var (update, frozen) = (0.0, 0.0);
        foreach (var (target, module) in effect.Targets.Zip(adapter.Modules))
        {
            using var a = adapter.Read(module.A);
            using var b = adapter.Read(module.B);
            var product = nn.functional.linear(b.to(ScalarType.Float64), a.to(ScalarType.Float64).t()) * module.Scaling;
            var weight = _weights.Weight($"{module.Linear.Path}.weight").to(ScalarType.Float64);
            var singular = linalg.svdvals(product).data<double>().ToArray();
            var energies = singular.Select(value => value * value).ToArray();
            (target.Path, target.Rank, target.SingularValues.Count).ShouldBe((module.Linear.Path, module.Rank, module.Rank));
            target.SingularValues.ShouldBe(singular.Take(module.Rank), 1e-10);
            target.Norm.ShouldBe(product.norm().item<double>(), 1e-10);
            target.BaseNorm.ShouldBe(weight.norm().item<double>(), 1e-6);
            target.RelativeNorm!.Value.ShouldBe(target.Norm / target.BaseNorm, 1e-12);
            target.StableRank.ShouldBe(energies.Sum() / energies[0], 1e-9);
            target.Rank90.ShouldBe(LeastRank(energies, 0.90));
            target.Rank99.ShouldBe(LeastRank(energies, 0.99));
            update += energies.Sum();
            frozen += target.BaseNorm * target.BaseNorm;
        }

        effect.RelativeNorm!.Value.ShouldBe(Math.Sqrt(update / frozen), 1e-9);
        effect.MeanKl.ShouldBeNull();
    }

    public static TheoryData<string, string, string[]> OtherForms => new()
    {
        { "llama-gqa", "dora-r4", ["magnitude"] },
        { "llama-gqa", "dora-rslora-r8", ["magnitude"] },
        { "llama-gqa", "embeddings", [] },
        { "llama-gqa", "activated", [] },
        { "llama-gqa", "modules-to-save-norm", ["weight"] },
        { "llama-gqa", "trainable-tokens", ["tokens"] },
        { "llama-bias-untied", "bias-all", ["bias"] },
        { "llama-bias-untied", "bias-lora-only", ["bias"] },
        { "llama-bias-untied", "lora-bias", ["lora_bias"] },
        { "llama-bias-untied", "modules-to-save-head-and-norm", ["weight"] },
        { "llama-bias-untied", "head", [] },
        { "qwen3", "dora-r4", ["magnitude"] },
    };

    [Theory]
    [MemberData(nameof(OtherForms))]
    public void Compute_EveryOtherForm_TellsEachPartThatWasTrained(string checkpoint, string golden, string[] parts)
    {
        using var weights = LoadBase(checkpoint);
        var modules = ModelConfig.Load(GoldenData.Path("checkpoints", checkpoint)).Modules(checkpoint);
        using var adapter = PeftAdapter.Open(GoldenData.Path("adapters", checkpoint, golden), modules, maxRank: 256);

        var effect = new EffectAnalysis(weights.Weight).Compute(adapter);

        effect.Targets.Select(target => target.Path).ShouldBe(adapter.Modules.Select(module => module.Linear.Path));
        effect.Targets.ShouldAllBe(target => target.Norm > 0 && target.BaseNorm > 0);
        effect.Parts.Select(part => part.Part).Distinct().ShouldBe(parts);
        effect.Parts.ShouldAllBe(part => part.Norm > 0 && part.Norm < 100);
        effect.HasEffect.ShouldBeTrue();
        var trained = adapter.Content.Trained.Count() - (2 * adapter.Modules.Count);
        effect.Parts.Count.ShouldBeGreaterThanOrEqualTo(trained);
    }

    [Fact]
    public void Compute_Dora_MeasuresMagnitudesAgainstTheRowsOfTheWeight()
    {
        using var scope = NewDisposeScope();
        using var adapter = Open("dora-r4");

        var effect = _analysis.Compute(adapter);

        foreach (var (part, module) in effect.Parts.Zip(adapter.Modules))
        {
            using var magnitude = adapter.Read(module.Magnitude!);
            var rows = _weights.Weight($"{module.Linear.Path}.weight").Squared().sum(1).sqrt();
            part.Path.ShouldBe(module.Linear.Path);
            part.Norm.ShouldBe((magnitude - rows).norm().item<float>(), 1e-4);
            part.BaseNorm.ShouldBe(rows.norm().item<float>(), 1e-4);
        }
    }

    [Fact]
    public void Compute_TrainableTokens_MeasuresTheirRowsAlone()
    {
        using var scope = NewDisposeScope();
        using var adapter = Open("trainable-tokens");
        var rows = adapter.Content.TokenRows["model.embed_tokens"];
        var own = _weights.Embedding.index_select(0, tensor(rows.Ids.Select(id => (long)id).ToArray()));
        using var trained = adapter.Read(rows.Rows);

        var part = _analysis.Compute(adapter).Parts.Single(part => part.Path == "model.embed_tokens");

        part.Norm.ShouldBe((trained - own).norm().item<float>(), 1e-4);
        part.BaseNorm.ShouldBe(own.norm().item<float>(), 1e-4);
    }

    [Fact]
    public void Compute_FactorsThatCancel_HasNoEffect()
    {
        using var folder = new TemporaryFolder();
        var source = GoldenData.Path("adapters", "llama-gqa", "attention-r4");
        File.Copy(Path.Combine(source, PeftConfig.FileName), folder.File(PeftConfig.FileName));
        using (var scope = NewDisposeScope())
        using (var file = SafetensorsFile.Open(Path.Combine(source, PeftAdapter.TensorFileName)))
        {
            // The columns of B are v, -v, 0, 0 and the rows of A are u, u, and others.
            var tensors = file.Entries.Keys.ToDictionary(
                name => name, name => name.Contains("lora_A") ? EqualRows(file, name) : Opposites(file, name));
            SafetensorsWriter.Write(folder.File(PeftAdapter.TensorFileName), tensors, new Dictionary<string, string>());
        }

        using var adapter = PeftAdapter.Open(folder.Path, Base, maxRank: 256);

        var effect = _analysis.Compute(adapter);

        effect.HasEffect.ShouldBeFalse();
        effect.RelativeNorm.ShouldBe(0);

        static Tensor EqualRows(SafetensorsFile file, string name)
        {
            var a = file.Read(name);
            a[1].copy_(a[0]);
            return a;
        }

        static Tensor Opposites(SafetensorsFile file, string name)
        {
            var b = file.Read(name);
            b.select(1, 1).copy_(-b.select(1, 0));
            b.narrow(1, 2, 2).zero_();
            return b;
        }
    }

    [Fact]
    public void Compute_SecondAdapter_ReadsNoWeightOfTheBaseAgain()
    {
        var read = new List<string>();
        var analysis = new EffectAnalysis(name =>
        {
            read.Add(name);
            return _weights.Weight(name);
        });
        using var one = Open("all-linear-r8");
        using var other = Open("rslora-r16");

        analysis.Compute(one);
        var before = read.Count;
        analysis.Compute(other);

        before.ShouldBe(one.Modules.Count);
        read.Count.ShouldBe(before);
    }

    [Fact]
    public void Compute_AnyAdapter_SurvivesJson()
    {
        using var adapter = Open("rank-and-alpha-pattern");
        var effect = _analysis.Compute(adapter) with { MeanKl = 0.25 };

        var json = JsonSerializer.Serialize(effect);

        JsonSerializer.Serialize(JsonSerializer.Deserialize<AdapterEffect>(json)).ShouldBe(json);
    }

    private static int LeastRank(double[] energies, double share) =>
        Enumerable.Range(0, energies.Length + 1).First(rank => energies.Take(rank).Sum() >= share * energies.Sum());

    private static PeftAdapter Open(string golden) =>
        PeftAdapter.Open(GoldenData.Path("adapters", "llama-gqa", golden), Base, maxRank: 256);

    private static BaseWeights LoadBase(string checkpoint)
    {
        var folder = GoldenData.Path("checkpoints", checkpoint);
        using var files = Checkpoint.Open(folder);
        return BaseWeights.Load(ModelConfig.Load(folder), files, ScalarType.Float32, CPU, progress: null);
    }
}
