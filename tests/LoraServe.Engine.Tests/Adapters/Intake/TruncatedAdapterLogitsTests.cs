using System.Text.Json.Nodes;
using System.Threading.Channels;
using LoraServe.Engine.Adapters.Intake;
using LoraServe.Engine.Adapters.Residency;
using LoraServe.Engine.Checkpoints;
using LoraServe.Engine.Checkpoints.Safetensors;
using LoraServe.Engine.Generation;
using LoraServe.Engine.Lora;
using LoraServe.Engine.Models;
using LoraServe.Engine.Peft;
using LoraServe.Engine.Sampling;
using LoraServe.Engine.Scheduling;
using LoraServe.Engine.Sequences;
using LoraServe.Engine.Tests.Models;
using LoraServe.Tests;
using Shouldly;
using Xunit;
using static TorchSharp.torch;

namespace LoraServe.Engine.Tests.Adapters.Intake;

/// <summary>Truncated adapters in the model: what counts in the end is the logits.</summary>
public sealed class TruncatedAdapterLogitsTests : IDisposable
{
    private const float Tolerance = 2e-4f;
    private const int BlockSize = 16;
    private const int Slots = 256;

    private static readonly ModelConfig Config = ModelConfig.Load(GoldenData.Path("checkpoints", "llama-gqa"));
    private static readonly ModelModules Base = Config.Modules("llama-gqa");

    private readonly TemporaryFolder _folder = new();
    private readonly BaseWeights _weights;
    private readonly BaseModel _model;

    public TruncatedAdapterLogitsTests()
    {
        using var files = Checkpoint.Open(GoldenData.Path("checkpoints", "llama-gqa"));
        _weights = BaseWeights.Load(Config, files, ScalarType.Float32, CPU, progress: null);
        _model = DecoderChoice.Create(Config, _weights, Slots / BlockSize, BlockSize, Slots, threads: 1);
    }

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("all-linear-r8", 3)]
    [InlineData("rslora-r16", 6)]
    [InlineData("rank-and-alpha-pattern", 2)]
    public void Write_GoldenAdapter_ActsAsTheFullProductsTruncatedBySvd(string golden, int rank)
    {
        using var source = PeftAdapter.Open(GoldenData.Path("adapters", "llama-gqa", golden), Base, maxRank: 256);
        AdapterTruncation.Write(source, rank, _folder.Path);
        using var truncated = Load(_folder.Path);
        using var expected = new LoraAdapter(new AdapterVersionId("merged"), source.Modules.ToDictionary(
            module => module.Linear.Path, LinearUpdate (module) => new ReplacedLinear(MergedBest(source, module, rank), null)));

        foreach (var row in Rows(golden))
            LargestDifference(Logits(truncated, row.Prompt), Logits(expected, row.Prompt)).ShouldBeLessThan(Tolerance);
    }

    [Fact]
    public void Write_AdapterPaddedWithNothing_EqualsTheGoldenLogits()
    {
        WritePadded(GoldenData.Path("adapters", "llama-gqa", "attention-r4"));
        using var truncated = new TemporaryFolder();
        using (var padded = PeftAdapter.Open(_folder.Path, Base, maxRank: 256))
            AdapterTruncation.Write(padded, rank: 4, truncated.Path).EnergyKept.ShouldBe(1, 1e-12);
        using var adapter = Load(truncated.Path);
        using var golden = SafetensorsFile.Open(GoldenData.Path("expected", "llama-gqa.safetensors"));

        foreach (var row in Rows("attention-r4"))
        {
            using var expected = golden.Read(row.LogitsKey);
            LargestDifference(Logits(adapter, row.Prompt), expected.data<float>().ToArray()).ShouldBeLessThan(Tolerance);
        }
    }

    private static List<GoldenRow> Rows(string golden)
    {
        var rows = GoldenRow.Load("llama-gqa").Where(row => row.Case == golden).ToList();
        rows.ShouldNotBeEmpty();
        return rows;
    }

    // Twice the rank, with four more rows in A and zeros beside them in B.
    private void WritePadded(string source)
    {
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(source, PeftConfig.FileName)))!;
        (config["r"], config["lora_alpha"]) = (8, 16);
        File.WriteAllText(_folder.File(PeftConfig.FileName), config.ToJsonString());
        using var scope = NewDisposeScope();
        using var file = SafetensorsFile.Open(Path.Combine(source, PeftAdapter.TensorFileName));
        var tensors = file.Entries.Keys.ToDictionary(name => name, name =>
        {
            using var tensor = file.Read(name);
            return name.Contains("lora_A") ? cat([tensor, tensor.flip(1)]) : cat([tensor, zeros_like(tensor)], dim: 1);
        });
        SafetensorsWriter.Write(_folder.File(PeftAdapter.TensorFileName), tensors, new Dictionary<string, string>());
    }

    private Tensor MergedBest(PeftAdapter source, PeftModule module, int rank)
    {
        using var scope = NewDisposeScope();
        using var a = source.Read(module.A);
        using var b = source.Read(module.B);
        // In float64: where two singular values are close, rounding the product decides which direction is cut off.
        var product = nn.functional.linear(b.to(ScalarType.Float64), a.to(ScalarType.Float64).t()) * module.Scaling;
        var (u, s, vt) = linalg.svd(product, fullMatrices: false);
        var k = Math.Min(rank, module.Rank);
        var best = nn.functional.linear(u.narrow(1, 0, k) * s.narrow(0, 0, k), vt.narrow(0, 0, k).t());
        return (_weights.Weight($"{module.Linear.Path}.weight") + best).to(ScalarType.Float32).DetachFromDisposeScope();
    }

    // Absolute and relative, as the golden rows are compared.
    private static float LargestDifference(float[] logits, float[] expected) =>
        logits.Zip(expected, (logit, wanted) => Math.Abs(logit - wanted) / (1 + Math.Abs(wanted))).Max();

    private LoraAdapter Load(string folder)
    {
        using var peft = PeftAdapter.Open(folder, Base, maxRank: 256);
        return peft.Load(ScalarType.Float32, CPU, _weights.Weight);
    }

    private float[] Logits(LoraAdapter adapter, int[] prompt)
    {
        var request = new GenerationRequest
        {
            Prompt = prompt,
            Sampling = new SamplingParams { MaxTokens = 1, PromptLogprobs = 0 },
            Adapter = new AdapterLease(adapter, () => { }),
        };
        var sequence = new Sequence(1, request, [], Channel.CreateUnbounded<GeneratedToken>().Writer, new());
        sequence.HeldBlocks.AddRange(Enumerable.Range(0, Slots / BlockSize));
        var logits = new ModelRunner(_model, BlockSize).Run(new Batch([new BatchRow(sequence, 0, prompt.Length)]));
        return [.. Enumerable.Range(0, prompt.Length).SelectMany(position => logits.Of(0, position).ToArray())];
    }
}
